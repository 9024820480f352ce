/** What the pipeline promises, the same on the embedded log with PGlite and on Kafka with Postgres. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, type describe, expect, it } from 'vitest';
import type { Log } from '../log/port.js';
import type { OpenStore } from '../store/open.js';
import { badRecordTests } from './bad-records.js';
import { type LocalServer, serve } from './blocks.js';
import { commandTests } from './command-tests.js';
import { deadLetterTests } from './dead-letter-tests.js';
import { CORRELATE, incidentTests } from './incident-tests.js';
import { openPipeline, type Pipeline } from './pipeline.js';
import { sourceTests } from './source-tests.js';

export interface PipelineServers {
  readonly memory: OpenStore;
  readonly log: Log;
  readonly partitions: number;
  readonly epoch: number;
  close(): Promise<void>;
}

export const packOf = (desk: string): ReadonlyMap<string, string> =>
  new Map([
    ['pack.yaml', 'name: acme\ngroups: { desk: [ann, bob] }\n'],
    [
      'sources.yaml',
      `sources:
  alerts: { kind: alertmanager }
hold:
  - { name: flapping, when: "exception.type == 'Flap'", for: 5m }
  - { name: short ones, when: "exception.type == 'BRIEF'", for: 1s }
accumulate:
  - { name: crashes of a namespace, when: "exception.type == 'CRASH'", by: [exception.fields.ns], window: 5m, max: 100 }
${CORRELATE}`,
    ],
    [
      'triage.yaml',
      `triage:
  - { name: settlement fail, when: "exception.type == 'SETTLEMENT_FAIL'", set: { category: settlement, confidence: 0.9 } }
  - { name: big trade, when: "exception.type == 'BIG'", set: { category: big, confidence: 0.9 } }
  - { name: noise, when: "exception.type == 'NOISE'", set: { category: noise, confidence: 0.9 } }
`,
    ],
    [
      'policies.yaml',
      `default: { effect: deny, reason: no policy allows it }
policies:
  - { name: noise is dropped, when: "triage.category == 'noise'", effect: suppress }
  - { name: what is known may be repaired, when: "triage.confidence >= 0.8", effect: allow }
`,
    ],
    [
      'playbooks/repair.yaml',
      `playbook: repair
when: triage.category == 'settlement'
steps:
  - { id: resubmit, use: desk.resubmit, with: { id: "\${{ exception.entity }}" } }
  - { id: report, use: fs.put, with: { path: "reports/\${{ exception.entity }}.txt", content: "\${{ exception.title }}" } }
finish: { outcome: resolved, note: resubmitted }
`,
    ],
    [
      'playbooks/ask.yaml',
      `playbook: ask
when: triage.category == 'big'
steps:
  - { id: ok, approve: { title: "Repair \${{ exception.entity }}?", from: [group:desk], timeout: 1h } }
  - { id: resubmit, use: desk.resubmit, with: { id: "\${{ exception.entity }}" } }
`,
    ],
    [
      'tools.yaml',
      `connections:
  desk: { kind: http, base: "${desk}" }
tools:
  desk.resubmit: { use: http.request, connection: desk, with: { method: POST, path: "/resubmit/\${{ id }}", body: { id: "\${{ id }}" } }, params: { id: string }, effect: idempotent }
`,
    ],
  ]);

export function describePipeline(
  name: string,
  describeSuite: typeof describe | ((name: string, suite: () => void) => void),
  open: () => Promise<PipelineServers>,
): void {
  describeSuite(`the pipeline on ${name}`, () => {
    let servers: PipelineServers;
    let desk: LocalServer;
    let folder: string;
    let pipeline: Pipeline;
    let failures = 0; // requests that the desk answers with 500 before it answers well

    beforeAll(async () => {
      servers = await open();
      folder = await mkdtemp(join(tmpdir(), 'millrace-files-'));
      desk = await serve((_, response) => {
        const fails = failures > 0;
        if (fails) failures--;
        response.writeHead(fails ? 500 : 200, { 'content-type': 'application/json' }).end('{"ok":true}');
      });
      pipeline = await openPipeline({
        ...servers,
        files: packOf(desk.url),
        allowPrivate: [desk.host],
        filesRoot: folder,
      });
      await pipeline.startWorkers();
    });
    afterAll(async () => {
      await pipeline?.stopWorkers();
      await desk?.close();
      await servers?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const idOf = async (body: unknown, source?: string) => (await pipeline.report(body, source)).items[0]?.id as string;

    it('an exception goes from its report to feedback, each event with its cause', async () => {
      const id = await idOf({ type: 'SETTLEMENT_FAIL', entity: 'T-1', title: 'Trade T-1 failed' });
      await pipeline.settled(id, 'RESOLVED');
      await pipeline.settledFeedback(id);
      const timeline = await pipeline.memory.queries.timeline(pipeline.tenantId, id);
      expect(timeline.map(({ type }) => type)).toEqual([
        'ExceptionIngested',
        'ExceptionNormalized',
        'ExceptionTriaged',
        'PolicyEvaluated',
        'PlaybookStarted',
        'ToolRequested',
        'ToolFinished',
        'ToolRequested',
        'ToolFinished',
        'PlaybookFinished',
        'FeedbackCaptured',
      ]);
      expect(timeline.map(({ seq }) => seq)).toEqual(timeline.map((_, i) => i + 1));
      expect(timeline.slice(1).every(({ causeId }) => timeline.some(({ eventId }) => eventId === causeId))).toBe(true);
      expect(desk.received.filter(({ url }) => url === '/resubmit/T-1')).toHaveLength(1);
    });

    it('a tool that fails twice is tried again under the same idempotency key', async () => {
      failures = 2;
      const id = await idOf({ type: 'SETTLEMENT_FAIL', entity: 'T-2' });
      await pipeline.settled(id, 'RESOLVED');
      const calls = desk.received.filter(({ url }) => url === '/resubmit/T-2');
      expect(calls).toHaveLength(3);
      expect(new Set(calls.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    });

    it('the same fingerprint while the case is open is counted, not doubled', async () => {
      const body = { type: 'BIG', entity: 'T-3' };
      const id = await idOf(body);
      await pipeline.settled(id, 'WAITING');
      const again = await pipeline.report([body, body, { ...body, title: 'other words' }]);
      expect(new Set(again.items.map((item) => item.id))).toEqual(new Set([id]));
      await pipeline.counted(id, 4);
    });

    it('the same Idempotency-Key gives the same answer, and another body under it is refused', async () => {
      const body = { type: 'NOISE' };
      const first = await pipeline.report(body, 'generic', 'key-1');
      const second = await pipeline.report(body, 'generic', 'key-1');
      expect(second.items[0]?.id).toBe(first.items[0]?.id);
      expect(second.replayed).toBe(true);
      await expect(pipeline.report({ type: 'OTHER' }, 'generic', 'key-1')).rejects.toThrow('IDEMPOTENCY_CONFLICT');
    });

    it('an approval is asked, decided once, and the run goes on', async () => {
      const id = await idOf({ type: 'BIG', entity: 'T-4' });
      await pipeline.settled(id, 'WAITING');
      const [wait] = await pipeline.memory.queries.openWaits(pipeline.tenantId, id);
      const command = {
        tenantId: pipeline.tenantId,
        caseId: id,
        waitId: wait?.waitId as string,
        decision: 'approved',
        comment: null,
      } as const;
      await expect(pipeline.commands.decideApproval({ ...command, by: 'eve' })).rejects.toThrow('NOT_AN_APPROVER');
      const both = await Promise.allSettled(
        ['ann', 'bob'].map((by) => pipeline.commands.decideApproval({ ...command, by })),
      );
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      await pipeline.settled(id, 'RESOLVED');
    });

    it('policy suppresses noise and nothing is run', async () => {
      const id = await idOf({ type: 'NOISE', entity: 'N-1' });
      await pipeline.settled(id, 'SUPPRESSED');
      await pipeline.settledFeedback(id);
      expect(await pipeline.types(id)).not.toContain('PlaybookStarted');
    });

    it('what no policy allows is escalated with the reason', async () => {
      const id = await idOf({ type: 'WHO_KNOWS' });
      await pipeline.settled(id, 'ESCALATED');
      const timeline = await pipeline.memory.queries.timeline(pipeline.tenantId, id);
      expect(timeline.find(({ type }) => type === 'CaseEscalated')?.data).toMatchObject({ code: 'POLICY_DENIED' });
    });

    it('an alert opens a case, its resolve closes it, and the next one is a new case', async () => {
      const alert = (status: string) => ({
        version: '4',
        status,
        alerts: [
          {
            status,
            labels: { alertname: 'Down', instance: 'a' },
            annotations: {},
            startsAt: '2026-11-20T10:00:00Z',
            fingerprint: 'f1',
          },
        ],
      });
      const id = await idOf(alert('firing'), 'alerts');
      await pipeline.settled(id, 'ESCALATED');
      expect((await pipeline.report(alert('resolved'), 'alerts')).items[0]).toMatchObject({ id, outcome: 'resolving' });
      await pipeline.settled(id, 'RESOLVED');
      expect((await pipeline.report(alert('resolved'), 'alerts')).items[0]?.outcome).toBe('ignored');
      expect(await idOf(alert('firing'), 'alerts')).not.toBe(id);
    });

    it('an alert that is over while it is held is dropped, and says by which rule', async () => {
      const alert = (status: string) => ({
        ...{ version: '4', status },
        alerts: [
          {
            ...{ status, labels: { alertname: 'Flap', instance: 'b' }, annotations: {} },
            ...{ startsAt: '2026-11-20T10:00:00Z', fingerprint: 'flap' },
          },
        ],
      });
      const id = await idOf(alert('firing'), 'alerts');
      await pipeline.settled(id, 'WAITING');
      expect((await pipeline.report(alert('resolved'), 'alerts')).items[0]).toMatchObject({ id, outcome: 'resolving' });
      await pipeline.settled(id, 'SUPPRESSED');
      await pipeline.settledFeedback(id);
      const timeline = await pipeline.memory.queries.timeline(pipeline.tenantId, id);
      expect(timeline.map(({ type }) => type)).toEqual([
        ...['ExceptionIngested', 'ExceptionHeld', 'ExceptionIngested', 'CaseSuppressed', 'FeedbackCaptured'],
      ]);
      expect(timeline[3]?.data).toMatchObject({ policy: { winner: 'flapping' } });
      expect(await idOf(alert('firing'), 'alerts')).not.toBe(id);
    });

    it('what is held goes on when its time is over', async () => {
      const id = await idOf({ type: 'BRIEF', entity: 'B-1' });
      await pipeline.settled(id, 'ESCALATED');
      expect((await pipeline.types(id)).slice(0, 4)).toEqual([
        ...['ExceptionIngested', 'ExceptionHeld', 'AccumulationElapsed', 'ExceptionNormalized'],
      ]);
    });

    it('a hundred that belong together become one case, and the next one begins another', async () => {
      const crash = (pod: number) => ({
        type: 'CRASH',
        title: 'a pod crashes',
        entity: `pod-${pod}`,
        fields: { ns: 'n1' },
      });
      const { items } = await pipeline.report(Array.from({ length: 100 }, (_, pod) => crash(pod)));
      const [id] = new Set(items.map((item) => item.id as string));
      expect(new Set(items.map((item) => item.id)).size).toBe(1);
      const found = await pipeline.settled(id as string, 'ESCALATED');
      expect(found).toMatchObject({ count: 100, exception: { title: '100 × a pod crashes', items: { length: 100 } } });
      expect(await idOf(crash(100))).not.toBe(id);
    });

    it('workers that were stopped go on where they were', async () => {
      await pipeline.stopWorkers();
      const ids = await Promise.all([1, 2, 3].map((n) => idOf({ type: 'SETTLEMENT_FAIL', entity: `late-${n}` })));
      expect(await pipeline.types(ids[0] as string)).toEqual(['ExceptionIngested']);
      await pipeline.startWorkers();
      for (const id of ids) await pipeline.settled(id, 'RESOLVED');
    });

    badRecordTests(() => pipeline);
    sourceTests(() => pipeline);
    incidentTests(() => pipeline);
    deadLetterTests(
      () => pipeline,
      () => desk.received,
    );
    commandTests(() => pipeline);

    it('three hundred exceptions at once end once each, with one call for each', async () => {
      const bodies = Array.from({ length: 300 }, (_, i) => ({ type: 'SETTLEMENT_FAIL', entity: `many-${i}` }));
      const answer = await pipeline.report(bodies);
      for (const { id } of answer.items) await pipeline.settled(id as string, 'RESOLVED');
      const calls = desk.received.filter(({ url }) => url.startsWith('/resubmit/many-'));
      expect(new Set(calls.map(({ url }) => url)).size).toBe(300);
      expect(calls).toHaveLength(300);
    });
  });
}
