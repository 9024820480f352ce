/** The two measurements: how many exceptions a second, and how long one takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ending, Opened } from './contender.js';
import { type Usage, usageOf, watchStolen } from './cpu.js';
import type { Running } from './processes.js';
import { type Ground, wallClock } from './servers.js';

/** The servers, whose share of the work is measured too. */
export type Measured = Pick<Ground, 'usage'>;

const POLL_MS = 25;
const STUCK_MS = 120_000;

export interface Throughput {
  readonly exceptions: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly cpu: { readonly node: number; readonly postgres: number; readonly broker: number }; // ms
  readonly perProcess: Readonly<Record<string, number>>; // ms of CPU
  readonly rss: { readonly node: number; readonly largest: number; readonly postgres: number; readonly broker: number }; // MB
  readonly stolen: number; // percent of the cores, by the machine's neighbours
}

/** Lets `count` exceptions through, unmeasured. */
export async function flow(opened: Opened, count: number): Promise<void> {
  const before = await opened.finished();
  const { release } = await opened.prepare(count);
  await release();
  await untilFinished(opened, before + count);
}

/** Releases `count` exceptions at once; the clock stops when the last of them has come to its end. */
export async function throughput(ground: Measured, opened: Opened, count: number): Promise<Throughput> {
  const { release } = await opened.prepare(count);
  const before = await opened.finished();
  return throughputOf(ground, opened.processes, async () => {
    await release();
    await untilFinished(opened, before + count);
    return count;
  });
}

/** What these processes and the servers do until `work` has done its exceptions; it says how many. */
export async function throughputOf(
  ground: Measured,
  processes: readonly Running[],
  work: () => Promise<number>,
): Promise<Throughput> {
  const from = takeStock(ground, processes);
  const stolen = watchStolen();
  const started = performance.now();
  const count = await work();
  const seconds = (performance.now() - started) / 1000;
  const share = stolen();
  const to = takeStock(ground, processes);
  const perProcess = Object.fromEntries(
    to.processes.map(({ name, usage }, i) => [name, usage.cpuMs - (from.processes[i]?.usage.cpuMs ?? 0)]),
  );
  const sizes = to.processes.map(({ usage }) => usage.rssMb);
  return {
    exceptions: count,
    seconds,
    perSecond: count / seconds,
    cpu: {
      node: Object.values(perProcess).reduce((sum, ms) => sum + ms, 0),
      postgres: to.postgres.cpuMs - from.postgres.cpuMs,
      broker: to.broker.cpuMs - from.broker.cpuMs,
    },
    perProcess,
    rss: {
      node: sizes.reduce((sum, mb) => sum + mb, 0),
      largest: Math.max(...sizes),
      postgres: to.postgres.rssMb,
      broker: to.broker.rssMb,
    },
    stolen: share,
  };
}

function takeStock(ground: Measured, processes: readonly Running[]) {
  const named = processes.map(({ name, pid }): { name: string; usage: Usage } => ({ name, usage: usageOf([pid]) }));
  return { ...ground.usage(), processes: named };
}

export async function untilFinished(opened: Opened, wanted: number): Promise<void> {
  let moved = performance.now();
  for (let seen = -1; ; ) {
    const now = await opened.finished();
    if (now >= wanted) return;
    if (now !== seen) moved = performance.now();
    if (performance.now() - moved > STUCK_MS) throw new Error(`stuck: ${now} of ${wanted} finished`);
    seen = now;
    await sleep(POLL_MS);
  }
}

export interface Latency {
  readonly ratePerSecond: number;
  readonly toResolved: readonly number[]; // ms
  readonly toLast: readonly number[];
  readonly stolen: number; // percent of the cores, by the machine's neighbours
}

/** Sends exceptions one by one, at uneven intervals; `ahead` is the database clock's lead. */
export async function latency(opened: Opened, perSecond: number, seconds: number, ahead: number): Promise<Latency> {
  const count = Math.max(1, Math.round(perSecond * seconds));
  const before = await opened.finished();
  const sent = new Map<string, number>();
  const sending: Promise<void>[] = [];
  const stolen = watchStolen();
  const started = performance.now();
  let due = 0;
  for (let i = 0; i < count; i++) {
    due += (500 + 1000 * random()) / perSecond;
    const pause = started + due - performance.now();
    if (pause > 1) await sleep(pause);
    const at = wallClock();
    sending.push(opened.send().then((id) => void sent.set(id, at)));
  }
  await Promise.all(sending);
  await untilFinished(opened, before + count);
  const share = stolen();
  const ends = await untilEnded(opened, [...sent.keys()]);
  const since = (id: string, at: number) => at - ahead - (sent.get(id) as number);
  return {
    ratePerSecond: perSecond,
    toResolved: [...ends].map(([id, { resolvedAt }]) => since(id, resolvedAt)),
    toLast: [...ends].map(([id, { lastAt }]) => since(id, lastAt)),
    stolen: share,
  };
}

/** What was delivered twice may have been counted twice: the journal has the last word. */
export async function untilEnded(opened: Opened, ids: readonly string[]): Promise<ReadonlyMap<string, Ending>> {
  const until = performance.now() + STUCK_MS;
  for (;;) {
    const ends = await opened.endings(ids);
    if (ends.size === ids.length) return ends;
    if (performance.now() > until)
      throw new Error(`${ids.length - ends.size} of ${ids.length} did not come to their end`);
    await sleep(POLL_MS);
  }
}

let state = 42;
/** The same "random" numbers in every run. */
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}
