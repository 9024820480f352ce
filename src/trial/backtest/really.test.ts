/** What a backtest says would change is what then really changes, when the same inputs are sent under the new version. */
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedLog } from '../../log/embedded/index.js';
import { compilePack } from '../../packs/index.js';
import type { OpenStore } from '../../store/open.js';
import { type LocalServer, serve } from '../../testing/blocks.js';
import { memoryStore } from '../../testing/pglite.js';
import { openPipeline, type Pipeline } from '../../testing/pipeline.js';
import { type BacktestReport, runBacktest, type Written } from '../index.js';

type Files = ReadonlyMap<string, string>;

const files = (desk: string): Files =>
  new Map([
    ['pack.yaml', 'name: acme\ngroups: { desk: [ann, bob] }\n'],
    [
      'sources.yaml',
      `sources:
  breaks:
    kind: json
    split: \${{ body.breaks }}
    map: { type: "\${{ item.kind }}", entity: "\${{ item.id }}", fields: { amount: "\${{ item.amount }}", desk: "\${{ body.desk }}" } }
    fingerprint: [type, entity]
    resolve: item.status == 'over'
`,
    ],
    [
      'triage.yaml',
      `triage:
  - { name: big trade, when: exception.type == 'FAIL' && exception.fields.amount > 1000, set: { category: settlement, severity: critical, labels: [big] } }
  - { name: trade, when: exception.type == 'FAIL', set: { category: settlement } }
  - { name: noise, when: exception.type == 'NOISE', set: { category: noise } }
`,
    ],
    [
      'policies.yaml',
      `default: { effect: deny, reason: no policy allows it }
policies:
  - { name: noise is dropped, when: triage.category == 'noise', effect: suppress }
  - { name: big ones are asked, when: "'big' in triage.labels", effect: require_approval, approval: { from: [group:desk], timeout: 1h } }
  - { name: trades are repaired, when: triage.category == 'settlement', effect: allow }
`,
    ],
    [
      'playbooks/repair.yaml',
      `playbook: repair
when: triage.category == 'settlement'
steps:
  - { id: look, use: look, with: { id: "\${{ exception.entity }}" } }
  - { id: amend, if: steps.look.result.body.open, use: amend, with: { id: "\${{ exception.entity }}" } }
`,
    ],
    [
      'tools.yaml',
      `connections: { desk: { kind: http, base: "${desk}" } }
tools:
  look: { use: http.request, connection: desk, params: { id: string }, with: { method: GET, path: "/trades/\${{ id }}" }, effect: read }
  amend: { use: http.request, connection: desk, params: { id: string }, with: { method: POST, path: "/trades/\${{ id }}" }, effect: idempotent }
`,
    ],
  ]);

/** A lower bar for approval, noise of one kind let through, odd things repaired, and fingerprints by type alone. */
function changed(before: Files): Files {
  const edit = (name: string, from: string, to: string): [string, string] => {
    const text = before.get(name) as string;
    if (!text.includes(from)) throw new Error(`${name} has no ${from}`);
    return [name, text.replace(from, to)];
  };
  const triage = (before.get('triage.yaml') as string)
    .replace('amount > 1000', 'amount > 500')
    .replace("exception.type == 'NOISE'", "exception.type == 'NOISE' && exception.entity != 'E-1'")
    .concat("  - { name: odd ones, when: exception.type == 'ODD', set: { category: settlement, severity: low } }\n");
  return new Map([
    ...before,
    ['triage.yaml', triage],
    edit('sources.yaml', 'fingerprint: [type, entity]', 'fingerprint: [type, entity, fields.desk]'),
  ]);
}

/** The same breaks for everybody, a few of them again and again. */
function inputs(count: number): object[] {
  let seed = 7;
  const pick = <T>(list: readonly T[]): T => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return list[Math.floor((seed / 2_147_483_648) * list.length)] as T;
  };
  return Array.from({ length: count }, () => {
    const kind = pick(['FAIL', 'FAIL', 'FAIL', 'NOISE', 'ODD', 'STRANGE'] as const);
    const entity = pick(['E-1', 'E-2', 'E-3', 'E-4']);
    const status = pick(['open', 'open', 'open', 'open', 'over']);
    return { desk: pick(['rates', 'fx']), breaks: [{ kind, id: entity, amount: pick([10, 700, 5_000]), status }] };
  });
}

interface Lived {
  readonly pipeline: Pipeline;
  readonly sent: readonly { readonly id: string | null; readonly outcome: string | undefined }[]; // for each input
}

/** What was decided about a case, in the words of a backtest. */
async function decided({ memory, tenantId }: Pipeline, id: string): Promise<Record<string, string>> {
  const found = await memory.queries.getCase(tenantId, id);
  const timeline = await memory.queries.timeline(tenantId, id);
  const escalated = timeline.find(({ type }) => type === 'CaseEscalated')?.data as { code: string } | undefined;
  const asked = timeline.some(({ type }) => type === 'ApprovalRequested');
  return {
    fate: 'case',
    category: found?.triage?.category ?? 'none',
    severity: found?.triage?.severity ?? 'none',
    effect: found?.policy?.effect ?? 'none',
    playbook: found?.run?.playbook ?? 'none',
    escalation: escalated?.code ?? 'none',
    approvals: asked ? '1 of ann, bob' : 'nobody',
  };
}

/** Which of the cases that began in the one life were decided otherwise in the other, and how. */
async function reallyChanged(old: Lived, now: Lived): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const [i, { id, outcome }] of old.sent.entries()) {
    if (outcome !== 'created' || id === null) continue;
    const other = now.sent[i];
    const was: Record<string, string> = { ...(await decided(old.pipeline, id)), cases: '1' };
    const began = now.sent.filter((one, j) => old.sent[j]?.id === id && one.outcome === 'created').length;
    const is: Record<string, string> =
      other?.outcome === 'created' && other.id !== null
        ? { ...(await decided(now.pipeline, other.id)), cases: String(began) }
        : { fate: 'merged' };
    const fields = Object.keys(was).filter((field) => is[field] !== undefined && is[field] !== was[field]);
    if (fields.length > 0) found.set(id, fields.map((field) => `${field}: ${was[field]} → ${is[field]}`).sort());
  }
  return found;
}

const written = (pack: Files): Written => {
  const { pack: compiled, problems } = compilePack(pack);
  if (compiled === undefined) throw new Error(JSON.stringify(problems));
  return { pack: compiled, files: pack };
};

describe('a backtest against what then really happened', () => {
  const INPUTS = inputs(50);
  let desk: LocalServer;
  let before: Files;
  let candidate: Files;
  let memory: OpenStore;
  const log = createEmbeddedLog();
  const opened: Pipeline[] = [];

  /** Sends every input under this pack, each when the one before has come as far as it goes. */
  async function live(pack: Files): Promise<Lived> {
    const rest = { partitions: 1, epoch: 1, allowPrivate: [desk.host], filesRoot: tmpdir() };
    const pipeline = await openPipeline({ memory, log, files: pack, ...rest });
    opened.push(pipeline);
    await pipeline.startWorkers();
    const sent: { id: string | null; outcome: string | undefined }[] = [];
    for (const input of INPUTS) {
      const [item] = (await pipeline.report(input, 'breaks')).items;
      const id = item?.id ?? null;
      sent.push({ id, outcome: item?.outcome });
      if (id === null) continue;
      if (item?.outcome === 'resolving') await pipeline.settled(id, 'RESOLVED');
      else await pipeline.settled(id, 'RESOLVED', 'ESCALATED', 'SUPPRESSED', 'WAITING');
    }
    await pipeline.stopWorkers();
    return { pipeline, sent };
  }

  async function backtest(pipeline: Pipeline, pack: Files, active: Files): Promise<BacktestReport> {
    const { tenantId } = pipeline;
    const range = { tenantId, since: Date.now() - 3_600_000, until: Date.now() + 1, pageSize: 7 };
    return runBacktest(
      {
        readPast: () => memory.queries.readPast(range),
        files: (version) => memory.queries.packSource.files(tenantId, version),
      },
      {
        tenant: tenantId,
        ...range,
        limit: 1_000,
        candidate: written(pack),
        active: { ...written(active), version: 1 },
      },
    );
  }

  beforeAll(async () => {
    memory = await memoryStore();
    desk = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"open":true}'),
    );
    before = files(desk.url);
    candidate = changed(before);
  });
  afterAll(async () => {
    for (const { stopWorkers } of opened) await stopWorkers();
    await log.close();
    await memory.close();
    await desk.close();
  });

  it('tells case by case what really changes', async () => {
    const old = await live(before);
    const report = await backtest(old.pipeline, candidate, before);
    const now = await live(candidate);
    const proof = await backtest(now.pipeline, candidate, candidate);
    expect(report.activeFromReal, 'the active version decides in the replay what it really decided').toBe(0);
    expect(proof.activeFromReal).toBe(0);
    expect(report).toMatchObject({ complete: true, unknown: 0, carried: 0, notListed: 0 });
    const real = await reallyChanged(old, now);
    const said = report.changes.map(({ id, differences }): [string, string[]] => {
      const merged = differences.some(({ field, after }) => field === 'fate' && after === 'merged');
      const told = differences.filter(({ field }) => (merged ? field === 'fate' : field !== 'calls'));
      return [id, told.map(({ field, before: was, after: is }) => `${field}: ${was} → ${is}`).sort()];
    });
    expect(real.size).toBeGreaterThan(8);
    expect(new Map(said)).toEqual(real);
    expect(report.changed).toBe(real.size);
    const rules = new Set(report.causes.map(({ stage, rule }) => `${stage} ${rule}`));
    expect([...rules].sort()).toEqual([
      'source fingerprint',
      'source merged',
      'triage big trade',
      'triage noise',
      'triage odd ones',
    ]);
    for (const { cause, differences } of report.changes) {
      if (differences.some(({ before: was, after: is }) => was === 'suppress' && is === 'deny'))
        expect(cause.why).toContain('no longer matches');
    }
  });

  it('a call that was really made answers the same call, and a pack against itself changes nothing', async () => {
    const [old] = opened;
    if (old === undefined) throw new Error('the first test opens it');
    const report = await backtest(old, before, before);
    expect(report).toMatchObject({ changed: 0, changedFromReal: 0, activeFromReal: 0, causes: [], changes: [] });
    expect(report.counts.candidate).toEqual(report.counts.really);
    expect(report.mergedReports.candidate).toBe(report.mergedReports.really);
  });
});
