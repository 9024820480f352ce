/** Runs a backtest over pages of the past, with pauses, so that what shares the process goes on. */
import { compilePack } from '../../packs/index.js';
import { Backtest, type BacktestOptions } from './backtest.js';
import { type AcceptedBy, isOf, type PastCase } from './past.js';
import type { BacktestReport } from './report.js';

/** Where the past is kept. Data is as the journal has it: it was checked when it was written. */
export interface PastSource {
  readPast(): AsyncIterable<readonly { readonly id: string; readonly events: readonly object[] }[]>;
  /** The files of a version; null if it is gone. */
  files(version: number): Promise<ReadonlyMap<string, string> | null>;
}

export interface RunOptions extends BacktestOptions {
  /** Ends it early: what was done so far is told. */
  readonly signal?: AbortSignal;
  readonly progress?: (cases: number, share: number) => void; // share of the time, 0 to 1
  /** Called between slices of at most about 20 ms of work. */
  readonly pause?: () => Promise<void>;
}

const SLICE = 25; // cases

export async function runBacktest(source: PastSource, options: RunOptions): Promise<BacktestReport> {
  const { signal, progress, pause, since, until } = options;
  const backtest = new Backtest(options);
  const versions = new Map<number, AcceptedBy>([[options.active.version, options.active]]);
  for await (const page of source.readPast()) {
    const cases = page as readonly PastCase[];
    await loadVersions(source, cases, versions);
    for (let from = 0; from < cases.length; from += SLICE) {
      if (signal?.aborted) return backtest.finish(false);
      backtest.feed({ cases: cases.slice(from, from + SLICE), versions });
      await pause?.();
    }
    const share = (backtest.reached - since) / Math.max(1, until - since);
    progress?.(backtest.counted, Math.min(1, Math.max(0, share)));
  }
  return backtest.finish(signal?.aborted !== true);
}

async function loadVersions(source: PastSource, cases: readonly PastCase[], known: Map<number, AcceptedBy>) {
  const wanted = new Set<number>();
  for (const { events } of cases) {
    for (const event of events) if (isOf('ExceptionIngested', event)) wanted.add(event.data.packVersion);
  }
  for (const version of wanted) {
    if (known.has(version)) continue;
    const files = await source.files(version);
    const pack = files === null ? undefined : compilePack(files).pack;
    if (files !== null && pack !== undefined) known.set(version, { pack, files });
  }
}
