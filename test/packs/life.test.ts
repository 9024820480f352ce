/** A pack's whole life on Kafka and Postgres, and what a backtest promised against what then really happened. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Backtested } from '../../src/api/trial-schemas.js';
import { startOwnBroker } from '../../src/testing/log-contract/own-broker.js';
import { requireService } from '../../src/testing/services/require.js';
import { until } from '../../src/testing/until.js';
import { inputs, type Wave } from './inputs.js';
import { before, candidate, type Files } from './pack.js';
import { type Decided, openWorld, type Sent, type World } from './world.js';

const postgres = requireService('postgres');

const PUSH = 'packs/TENANT';
const push = (world: World, files: Files) => world.put<{ version: number }>(PUSH, { files });
const activate = (world: World, version: number) => world.post(`${PUSH}/activate`, { version, by: 'ann' });
const backtest = (world: World, files: Files, gate?: string, since = '1h') =>
  world.post<Backtested>(`${PUSH}/backtest`, { files, since, limit: 1_000, ...(gate && { gate }) });

async function sendAll(world: World, waves: readonly Wave[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (const wave of waves) {
    const answers = await world.send(wave);
    sent.push(...answers);
    const over = answers.filter(({ outcome }) => outcome === 'resolving');
    for (const { id } of over) await settledAs(world, id, 'RESOLVED');
  }
  return sent;
}

const settledAs = (world: World, id: string | null, status: string) =>
  until(
    async () => ((await world.get<{ status: string }>(`exceptions/TENANT/${id}`)).status === status ? true : undefined),
    `${id} to be ${status}`,
  );

/** Sends probes until one is decided by this version. */
async function takenUp(world: World, version: number): Promise<void> {
  const policyOf = async (id: string) => {
    const { policy } = await world.get<{ policy: { packVersion: number } | null }>(`exceptions/TENANT/${id}`);
    return policy ?? undefined;
  };
  await until(async () => {
    const probe = { type: 'HEARTBEAT', entity: randomUUID() };
    const { id } = await world.post<{ id: string }>('exceptions/TENANT', probe);
    const { packVersion } = await until(() => policyOf(id), `${id} to be decided`);
    return packVersion === version || undefined;
  }, `version ${version} to be taken up`);
}

interface Lived {
  readonly sent: readonly Sent[];
  readonly decided: ReadonlyMap<string, Decided>;
}

/** Which inputs that began a case came to something else when they were sent again, and how. */
function reallyChanged(old: Lived, now: Lived): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [i, { id, outcome }] of old.sent.entries()) {
    if (outcome !== 'created' || id === null) continue;
    const other = now.sent[i];
    const began = now.sent.filter((one, j) => old.sent[j]?.id === id && one.outcome === 'created').length;
    const was = old.decided.get(id) ?? {};
    const is: Decided =
      other?.outcome === 'created' && other.id !== null
        ? { ...now.decided.get(other.id), cases: String(began) }
        : { fate: 'merged' };
    const fields = Object.keys(was).filter((field) => is[field] !== undefined && is[field] !== was[field]);
    if (fields.length > 0) found.set(id, fields.map((field) => `${field}: ${was[field]} → ${is[field]}`).sort());
  }
  return found;
}

/** What the backtest said, in the same words. Calls behind an answer that nobody gave yet cannot be told. */
function saidChanged({ changes }: Backtested): Map<string, string[]> {
  return new Map(
    changes.map(({ id, differences }) => {
      const merged = differences.some(({ field, after }) => field === 'fate' && after === 'merged');
      const told = differences.filter(({ field }) => (merged ? field === 'fate' : field !== 'calls'));
      return [id, told.map(({ field, before: was, after: is }) => `${field}: ${was} → ${is}`).sort()];
    }),
  );
}

/** A case that waits for ann or bob when the pack changes: its run ends as the version says with which it began. */
async function approveOld(world: World, { sent, decided }: Lived): Promise<void> {
  const asks = ({ id }: Sent) => id !== null && decided.get(id)?.approvals === '1 of ann, bob';
  const waiting = sent.slice(0, 300).find(asks)?.id as string;
  const { items } = await world.get<{ items: { wait: string }[] }>(`exceptions/TENANT/${waiting}/approvals`);
  const decision = { decision: 'approved', by: 'ann' };
  await world.post(`exceptions/TENANT/${waiting}/approvals/${items[0]?.wait}`, decision);
  await settledAs(world, waiting, 'RESOLVED');
  const events = await world.timeline(waiting);
  const finished = events.find(({ type }) => type === 'PlaybookFinished');
  expect(finished?.data).toMatchObject({ note: 'as the first pack says', packVersion: 1 });
}

postgres.describe('a pack on Kafka and Postgres', () => {
  it('a rule is tried on the past, gated, activated and rolled back', async (context) => {
    const broker = await startOwnBroker(context);
    const world = await openWorld(postgres.address, broker.address);
    try {
      const [first, second] = [before(world.sink.url), candidate(world.sink.url)];
      await push(world, first);
      await activate(world, 1);
      await takenUp(world, 1);
      const began = new Date().toISOString();
      const sent = await sendAll(world, inputs('A'));
      const old: Lived = { sent, decided: await world.decisions() };
      expect(sent).toHaveLength(1_000);

      const report = await backtest(world, second, 'changed < 5% && suppressed_critical == 0', began);
      expect(report).toMatchObject({ complete: true, unknown: 0, carried: 0, notListed: 0, activeFromReal: 0 });
      expect(report.gate).toMatchObject({ passed: false, reason: expect.stringContaining('changed') });
      expect(report.changes).toHaveLength(report.changed);
      const gate = 'changed < 90% && suppressed <= suppressed_before && suppressed_critical == 0';
      expect((await backtest(world, second, gate, began)).gate).toMatchObject({ passed: true, reason: null });

      expect((await push(world, second)).version).toBe(2);
      await activate(world, 2);
      await takenUp(world, 2);
      const then = new Date().toISOString();
      const now: Lived = { sent: await sendAll(world, inputs('B')), decided: await world.decisions() };
      const real = reallyChanged(old, now);
      expect(real.size).toBeGreaterThan(200);
      expect(saidChanged(report)).toEqual(real);
      expect(await backtest(world, second, undefined, then)).toMatchObject({ changed: 0, activeFromReal: 0 });
      await approveOld(world, old);

      await world.post(`${PUSH}/rollback`, { by: 'ann', reason: 'too many questions' });
      await takenUp(world, 1);
      const one = { type: 'FAIL', entity: 'C-1', fields: { amount: 400_000, counterparty: 'ACME' } };
      const [back] = await world.send([{ path: 'exceptions/TENANT', headers: {}, body: one }]);
      expect((await world.decisions()).get(back?.id as string)).toMatchObject({ effect: 'allow', severity: 'medium' });
      expect(world.crashes()).toEqual([]);
    } finally {
      await world.close();
      await broker.stop();
    }
  });
});
