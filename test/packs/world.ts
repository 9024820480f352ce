/** One Millrace on Kafka and Postgres as a pipeline's author meets it: by HTTP. Its workers have a pack cache of their own. */
import { tmpdir } from 'node:os';
import { createKafkaLog } from '../../src/log/kafka/index.js';
import { type Answer, serveApi } from '../../src/testing/api.js';
import { serve } from '../../src/testing/blocks.js';
import { openPipeline } from '../../src/testing/pipeline.js';
import { postgresForTest } from '../../src/testing/stores.js';
import { until } from '../../src/testing/until.js';
import type { PastEvent } from '../../src/trial/backtest/past.js';
import type { Wave } from './inputs.js';

/** What became of one input. */
export interface Sent {
  readonly id: string | null;
  readonly outcome: string;
}

/** What was decided about a case, in the words of a backtest. */
export type Decided = Readonly<Record<string, string>>;

export type World = Awaited<ReturnType<typeof openWorld>>;

const IN_HAND = 'OPEN,NORMALIZED,TRIAGED,EVALUATED,RUNNING';
const AT_ONCE = 10;

export async function openWorld(postgres: string, brokers: string) {
  const sink = await serve((_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"open":true}'),
  );
  const memory = await postgresForTest(postgres, 20);
  const log = createKafkaLog({ brokers: [brokers], clientId: 'packs-test', sessionTimeoutMs: 10_000 });
  const parts = { partitions: 4, epoch: 1, allowPrivate: [sink.host], filesRoot: tmpdir() };
  const files = new Map([
    ['pack.yaml', 'name: another\n'],
    ['policies.yaml', 'default: { effect: deny }\n'],
  ]);
  const pipeline = await openPipeline({ memory, log, files, ...parts });
  const api = await serveApi({ memory, log });
  await pipeline.startWorkers();
  const { tenantId } = api;
  const calls = verbs(api.request, tenantId);
  const drained = () =>
    until(async () => {
      const page = await calls.get<{ items: unknown[] }>(`exceptions/TENANT?limit=1&status=${IN_HAND}`);
      return page.items.length === 0 ? true : undefined;
    }, 'nothing to be in hand any more');
  const send = async (wave: Wave): Promise<Sent[]> => {
    const sent: Sent[] = [];
    for (let from = 0; from < wave.length; from += AT_ONCE) {
      const slice = wave.slice(from, from + AT_ONCE);
      const answers = await Promise.all(slice.map(({ path, body, headers }) => calls.post(path, body, headers)));
      for (const answer of answers) sent.push(...sentOf(answer));
    }
    await drained();
    return sent;
  };
  return {
    ...calls,
    ...{ tenantId, sink, send, drained },
    url: `http://127.0.0.1:${api.port}`,
    crashes: () => pipeline.told.filter(({ name }) => name === 'worker.crashed'),
    decisions: () =>
      decisionsOf(memory.queries.readPast({ tenantId, since: 0, until: Date.now() + 1e6, pageSize: 500 })),
    timeline: (id: string) => memory.queries.timeline(tenantId, id),
    close: async () => {
      await pipeline.stopWorkers();
      await api.close();
      await log.close();
      await memory.close();
      await sink.close();
    },
  };
}

function verbs(request: (path: string, init?: RequestInit) => Promise<Answer>, tenantId: string) {
  const ask = async <T>(method: string, path: string, body?: unknown, headers = {}): Promise<T> => {
    const asked = { method, headers: { 'content-type': 'application/json', ...headers } };
    const init = body === undefined ? { method } : { ...asked, body: JSON.stringify(body) };
    const answer = await request(`/${path.replace('TENANT', tenantId)}`, init);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 500)}`);
    return answer.json<T>();
  };
  return {
    get: <T>(path: string) => ask<T>('GET', path),
    put: <T>(path: string, body: unknown) => ask<T>('PUT', path, body),
    post: <T = unknown>(path: string, body: unknown, headers = {}) => ask<T>('POST', path, body, headers),
  };
}

/** One exception is answered as itself, several as a list. */
const sentOf = (answer: unknown): readonly Sent[] =>
  typeof answer === 'object' && answer !== null && 'items' in answer ? (answer.items as Sent[]) : [answer as Sent];

async function decisionsOf(
  pages: AsyncIterable<readonly { readonly id: string; readonly events: readonly object[] }[]>,
) {
  const found = new Map<string, Decided>();
  for await (const page of pages) {
    for (const { id, events } of page) found.set(id, decidedBy(events as readonly PastEvent[]));
  }
  return found;
}

/** Read from the journal, by other code than a backtest's. */
function decidedBy(events: readonly PastEvent[]): Decided {
  const told: Record<string, string> = {
    ...{ fate: 'case', cases: '1', category: 'none', severity: 'none', effect: 'none', playbook: 'none' },
    ...{ escalation: 'none', approvals: 'nobody' },
  };
  for (const { type, data } of events) {
    if (type === 'ExceptionTriaged')
      Object.assign(told, { category: data.triage.category, severity: data.triage.severity });
    if (type === 'PolicyEvaluated' || type === 'CaseSuppressed') told.effect = data.policy.effect;
    if (type === 'PlaybookStarted') told.playbook = data.playbook;
    if (type === 'CaseEscalated') told.escalation = data.code;
    if (type === 'ApprovalRequested') told.approvals = `${data.terms.quorum} of ${data.terms.from.join(', ')}`;
  }
  return told;
}
