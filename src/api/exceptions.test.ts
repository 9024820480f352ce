import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import { type ServedApi, serveApi } from '../testing/api.js';
import { memoryStore } from '../testing/pglite.js';
import { openPipeline, type Pipeline } from '../testing/pipeline.js';
import { until } from '../testing/until.js';

const FILES = {
  'pack.yaml': 'name: acme\ngroups: { desk: [ann, bob] }\n',
  'triage.yaml': `triage:
  - { name: known, when: "exception.type == 'ASK'", set: { category: ask, confidence: 0.9 } }
  - { name: urgent, when: "exception.type == 'NAG'", set: { category: urgent, confidence: 0.9 } }
  - { name: noise, when: "exception.type == 'NOISE'", set: { category: noise, confidence: 0.9, priority: 5 } }
`,
  'policies.yaml': `default: { effect: deny, reason: no policy allows it }
policies:
  - { name: noise is dropped, when: "triage.category == 'noise'", effect: suppress }
  - { name: what is known is allowed, when: "triage.confidence >= 0.8", effect: allow }
`,
  'playbooks/ask.yaml': `playbook: ask
when: triage.category == 'ask'
steps:
  - { id: ok, approve: { title: "Repair \${{ exception.entity }}?", from: [group:desk], timeout: 1h } }
`,
  'playbooks/nag.yaml': `playbook: nag
when: triage.category == 'urgent'
steps:
  - { id: ok, approve: { title: Now?, from: [group:desk], timeout: 60s, remind: 600ms } }
`,
};

let pipeline: Pipeline;
let served: ServedApi;
let base: string;
let folder: string;
beforeAll(async () => {
  const [memory, log] = [await memoryStore(), createEmbeddedLog()];
  folder = await mkdtemp(join(tmpdir(), 'millrace-api-'));
  const files = new Map(Object.entries(FILES));
  pipeline = await openPipeline({ memory, log, partitions: 1, epoch: 1, files, allowPrivate: [], filesRoot: folder });
  served = await serveApi({ memory, log });
  base = `/exceptions/${pipeline.tenantId}`;
  await pipeline.startWorkers();
});
afterAll(async () => {
  await pipeline?.stopWorkers();
  await served?.close();
  await pipeline?.log.close();
  await pipeline?.memory.close();
  await rm(folder, { recursive: true, force: true });
});

async function report(type: string, entity: string, more: object = {}): Promise<string> {
  const answer = await served.post(base, { type, entity, ...more });
  return answer.json<{ id: string }>().id;
}

interface Shown {
  readonly [name: string]: unknown;
  readonly items: { readonly id: string; readonly [name: string]: unknown }[];
  readonly next: string | null;
}
const list = async (query: string): Promise<Shown> => (await served.get(`${base}?${query}`)).json<Shown>();

describe('exceptions that were worked', () => {
  it('one is shown with what each stage decided, and its timeline with the cause of each event', async () => {
    const id = await report('NOISE', 'n-1', { title: 'Just noise', severity: 'low' });
    await pipeline.settled(id, 'SUPPRESSED');
    await pipeline.settledFeedback(id);
    expect((await served.get(`${base}/${id}`)).json()).toMatchObject({
      ...{
        id,
        status: 'SUPPRESSED',
        type: 'NOISE',
        title: 'Just noise',
        entity: 'n-1',
        severity: 'low',
        category: 'noise',
        priority: 5,
      },
      ...{ count: 1, fingerprint: null },
      triage: { category: 'noise', explain: expect.arrayContaining([expect.objectContaining({ matched: true })]) },
      policy: { effect: 'suppress' },
      feedback: { outcome: 'suppressed' },
    });
    const timeline = (await served.get(`${base}/${id}/timeline`)).json<{
      events: { type: string; causeType: string }[];
    }>();
    expect(timeline.events.map(({ type, causeType }) => `${type} < ${causeType}`)).toEqual([
      'ExceptionIngested < null',
      'ExceptionNormalized < ExceptionIngested',
      'ExceptionTriaged < ExceptionNormalized',
      'CaseSuppressed < ExceptionTriaged',
      'FeedbackCaptured < CaseSuppressed',
    ]);
    const rest = (await served.get(`${base}/${id}/timeline?after=3&limit=1`)).json<typeof timeline>();
    expect(rest.events.map(({ type, causeType }) => `${type} < ${causeType}`)).toEqual([
      'CaseSuppressed < ExceptionTriaged',
    ]);
  });

  it('are listed by filters, the newest first, page by page', async () => {
    const since = new Date().toISOString();
    const ids: string[] = [];
    for (const entity of ['p-1', 'p-2', 'p-3']) ids.unshift(await report('NOISE', entity, { severity: 'medium' }));
    for (const id of ids) await pipeline.settled(id, 'SUPPRESSED');
    const filter = `status=SUPPRESSED,RESOLVED&type=NOISE&category=noise&severity=medium&source=generic&since=${since}`;
    const first = await list(`${filter}&limit=2`);
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const second = await list(`${filter}&limit=2&cursor=${first.next}`);
    expect(second).toMatchObject({ items: [{ id: ids[2], priority: 5 }], next: null });
    expect((await list('q=p-2')).items.map(({ id }) => id)).toEqual([ids[1]]);
    expect((await list(`until=${since}&q=p-2`)).items).toEqual([]);
    const other = await served.get(`${base}?limit=2&cursor=${first.next}`);
    expect(other.json()).toMatchObject({ status: 400, code: 'CURSOR_INVALID' });
  });
});

describe('an approval', () => {
  interface Approvals {
    readonly items: { readonly wait: string; readonly [name: string]: unknown }[];
  }
  const approvals = async (id: string): Promise<Approvals> =>
    (await served.get(`${base}/${id}/approvals`)).json<Approvals>();

  async function asked(entity: string): Promise<{ id: string; path: string }> {
    const id = await report('ASK', entity);
    await pipeline.settled(id, 'WAITING');
    const { items } = await approvals(id);
    return { id, path: `${base}/${id}/approvals/${items[0]?.wait}` };
  }

  it('is listed, decided once by one of its approvers, and shown decided', async () => {
    const { id, path } = await asked('a-1');
    expect(await approvals(id)).toMatchObject({
      items: [
        { title: 'Repair a-1?', status: 'open', terms: { from: ['ann', 'bob'], quorum: 1 }, links: { decide: path } },
      ],
    });
    const decided = await served.post(path, { decision: 'approve', by: 'ann', comment: 'fine' });
    expect(decided.status).toBe(200);
    expect(decided.json()).toMatchObject({ status: 'approved', approvals: 1, quorum: 1 });
    await pipeline.settled(id, 'RESOLVED');
    expect(await approvals(id)).toMatchObject({
      items: [{ status: 'approved', decisions: [{ by: 'ann', comment: 'fine' }] }],
    });
    const again = await served.post(path, { decision: 'rejected', by: 'bob' });
    expect(again.json()).toMatchObject({ status: 409, code: 'ALREADY_DECIDED' });
  });

  it('is refused to others, to nobody, and where there is none; looking at it changes nothing', async () => {
    const { id, path } = await asked('a-2');
    expect((await served.post(path, { decision: 'approved', by: 'eve' })).json()).toMatchObject({
      status: 403,
      code: 'NOT_AN_APPROVER',
    });
    expect((await served.post(path, { decision: 'approved' })).json()).toMatchObject({
      status: 400,
      code: 'FIELD_MISSING',
      path: 'by',
    });
    expect((await served.get(path)).json()).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
    const other = `${base}/${id}/approvals/01890000-0000-7000-8000-000000000000`;
    expect((await served.post(other, { decision: 'approved', by: 'ann' })).json()).toMatchObject({
      code: 'WAIT_NOT_FOUND',
    });
    const none = `${base}/${id}/approvals/none`;
    expect((await served.post(none, { decision: 'approved', by: 'ann' })).json()).toMatchObject({
      status: 404,
      code: 'WAIT_NOT_FOUND',
    });
    expect(await approvals(id)).toMatchObject({ items: [{ status: 'open', decisions: [] }] });
  });

  it('that nobody decides reminds people, in its list, its timeline, its explanation and the log, until it is decided', async () => {
    const id = await report('NAG', 'a-5');
    await pipeline.settled(id, 'WAITING');
    const reminders = async () => (await approvals(id)).items[0]?.reminders as { count: number; last: string };
    const often = async () => ((await reminders()).count >= 2 ? reminders() : undefined);
    const { last } = await until(often, 'two reminders');
    expect(Date.parse(last)).toBeGreaterThan(0);
    const wait = (await approvals(id)).items[0]?.wait;
    await served.post(`${base}/${id}/approvals/${wait}`, { decision: 'approve', by: 'ann' });
    await pipeline.settled(id, 'RESOLVED');
    const { count } = await reminders();
    expect((await pipeline.types(id)).filter((type) => type === 'ApprovalReminded')).toHaveLength(count);
    const told = pipeline.told.filter(({ name }) => name === 'approval.reminded').map(({ fields }) => fields);
    expect(told.slice(0, 2)).toMatchObject([
      { caseId: id, title: 'Now?', from: ['ann', 'bob'], count: 1 },
      { caseId: id, waitId: wait, count: 2 },
    ]);
    const { parts } = (await served.get(`${base}/${id}/explain`)).json<{ parts: { what: string }[] }>();
    expect(parts.map(({ what }) => what)).toContain('reminded ann, bob (2)');
    expect(parts.map(({ what }) => what)).not.toContain('nobody answered in time');
  });

  it('of another exception is not found', async () => {
    const [first, second] = [await asked('a-3'), await asked('a-4')];
    const wait = second.path.split('/').pop();
    const answer = await served.post(`${base}/${first.id}/approvals/${wait}`, { decision: 'approved', by: 'ann' });
    expect(answer.json()).toMatchObject({ status: 404, code: 'WAIT_NOT_FOUND' });
  });
});

describe('working again', () => {
  it('starts an escalated exception over, and makes a new one of a closed one', async () => {
    const escalated = await report('WHO_KNOWS', 'r-1');
    await pipeline.settled(escalated, 'ESCALATED');
    await pipeline.settledFeedback(escalated);
    const again = await served.post(`${base}/${escalated}/reingest`, {});
    expect(again.status).toBe(202);
    expect(again.json()).toMatchObject({ id: escalated, outcome: 'reworked' });
    const closed = await report('NOISE', 'r-2');
    await pipeline.settled(closed, 'SUPPRESSED');
    await pipeline.settledFeedback(closed);
    const made = (await served.request(`${base}/${closed}/reingest`, { method: 'POST' })).json<{
      id: string;
      outcome: string;
    }>();
    expect(made.outcome).toBe('created');
    expect(made.id).not.toBe(closed);
    await pipeline.settled(made.id, 'SUPPRESSED');
  });

  it('by filter counts what became of each, and meets none twice', async () => {
    await pipeline.stopWorkers();
    for (const entity of ['f-1', 'f-2', 'f-3']) await report('ASK', entity);
    const all = await served.post(`${base}/reingest`, { status: ['OPEN'], source: 'generic' });
    expect(all.json()).toEqual({ matched: 3, resent: 3, reworked: 0, created: 0, inProgress: 0 });
    const some = await served.post(`${base}/reingest`, { status: 'OPEN', limit: 2 });
    expect(some.json()).toMatchObject({ matched: 2 });
    const none = await served.post(`${base}/reingest`, { status: 'OPEN', source: 'other' });
    expect(none.json()).toMatchObject({ matched: 0 });
  });
});

describe('the pipeline', () => {
  interface Report {
    readonly stages: { readonly stage: string; readonly waiting: number; readonly state: string }[];
    readonly exceptions: Readonly<Record<string, number>>;
    readonly problems: readonly string[];
  }

  it('says that exceptions wait because their worker is gone', async () => {
    await pipeline.stopWorkers();
    await report('ASK', 'w-1');
    const found = (await served.get('/pipeline')).json<Report>();
    const [intake] = found.stages;
    expect(intake).toMatchObject({ stage: 'intake', state: 'missing' });
    expect(intake?.waiting).toBeGreaterThan(0);
    expect(found.problems[0]).toMatch(
      /^\d+ exceptions? waits? in OPEN: no intake worker .*seen.*; stop and run `npm start` again$/,
    );
  });

  it('counts one tenant’s exceptions, and nothing of it is left when they are worked', async () => {
    await pipeline.startWorkers();
    const id = await report('ASK', 'w-2');
    await pipeline.settled(id, 'WAITING');
    const path = `/pipeline/${pipeline.tenantId}`;
    const found = (await served.get(path)).json<Report & { tenant: string }>();
    expect(found.tenant).toBe(pipeline.tenantId);
    expect(found.exceptions.WAITING).toBeGreaterThan(0);
    const other = (await served.get(`/pipeline/${served.tenantId}`)).json<Report>();
    expect(other.exceptions).toEqual({});
  });

  it('goes on to be told when the log is gone, and so does accepting', async () => {
    await pipeline.stopWorkers();
    await pipeline.log.close();
    const kept = await served.post(base, { type: 'NOISE', entity: 'late' });
    expect(kept.status).toBe(202);
    const { problems, stages } = (await served.get('/pipeline')).json<Report>();
    expect(problems[0]).toMatch(/^The log does not answer \(.+\): exceptions are accepted and kept/);
    expect(stages.every(({ waiting }) => waiting === null)).toBe(true);
  });
});

it('the active pack is told, and the built-in one where there is none', async () => {
  const own = (await served.get(`/packs/${pipeline.tenantId}`)).json();
  expect(own).toMatchObject({ version: 1, name: 'test', sources: ['generic'], createdBy: 'test' });
  expect(own.hash).toMatch(/^[0-9a-f]{64}$/);
  expect((await served.get(`/packs/${served.tenantId}`)).json()).toMatchObject({
    version: 0,
    name: 'built-in',
    hash: null,
  });
});
