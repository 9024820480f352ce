/** What the API and the CLI share of trying packs: the active version, the past, and the pauses. */
import { setImmediate } from 'node:timers/promises';
import { parseDuration } from '../core/duration.js';
import { ProblemError } from '../core/errors.js';
import { isEventType } from '../core/events.js';
import { parseTime } from '../core/time.js';
import type { CompiledPack } from '../packs/index.js';
import type { GatherDeps } from '../stages/contract.js';
import type { Queries, TimelineEntry } from '../store/queries.js';
import { type BacktestReport, runBacktest, type ToldEvent } from '../trial/index.js';

export interface TrialDeps {
  readonly queries: Pick<Queries, 'readPast' | 'packSource' | 'getActivePack'>;
  readonly packs: Pick<GatherDeps, 'activePack'>;
}

export interface BacktestAsked {
  readonly tenantId: string;
  readonly pack: CompiledPack; // the candidate
  readonly files: ReadonlyMap<string, string>;
  readonly since: number; // epoch ms
  readonly until: number;
  readonly limit: number;
}

export interface BacktestHooks {
  readonly signal?: AbortSignal;
  readonly progress?: (cases: number, share: number) => void;
  readonly pageSize?: number;
}

const PAGE = 100; // cases: small enough that a page is gone before the collector has to move it

/** The candidate on the past of its tenant, beside the active version. Reads only; gives way to others between slices. */
export async function backtestPack(
  deps: TrialDeps,
  asked: BacktestAsked,
  hooks: BacktestHooks = {},
): Promise<BacktestReport> {
  const { queries, packs } = deps;
  const { tenantId, pack, files, since, until, limit } = asked;
  const active = await packs.activePack(tenantId);
  const stored = await queries.packSource.files(tenantId, active.version);
  const { pageSize = PAGE, signal, progress } = hooks;
  return runBacktest(
    {
      readPast: () => queries.readPast({ tenantId, since, until, pageSize }),
      files: (version) => queries.packSource.files(tenantId, version),
    },
    {
      tenant: tenantId,
      candidate: { pack, files },
      active: { ...active, files: stored ?? new Map() },
      ...{ since, until, limit },
      ...(signal !== undefined && { signal }),
      ...(progress !== undefined && { progress }),
      pause: async () => {
        await setImmediate();
      },
    },
  );
}

/** A time, or how long ago: `30d`, `2026-11-01T00:00:00Z`. Throws ProblemError TIME_INVALID. */
export function timeOrAgo(text: string, now: number, path: string): number {
  const time = parseTime(text) ?? parseTime(`${text}T00:00:00Z`);
  if (time !== undefined) return time;
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const message = `${JSON.stringify(text.slice(0, 100))} is neither a time nor a duration.`;
  const hint = 'For example 30d, 12h, 2026-11-01 or 2026-11-01T08:00:00Z.';
  throw new ProblemError({ code: 'TIME_INVALID', path, message, hint });
}

interface Told extends Pick<TimelineEntry, 'seq' | 'time' | 'data'> {
  readonly type: string;
}

/** A timeline as explanations read it; events of a newer version, whose data is not known here, are left out. */
export function toldEvents(rows: readonly Told[]): ToldEvent[] {
  return rows.flatMap(({ seq, type, time, data }) =>
    isEventType(type) ? [{ seq, type, time: new Date(time).toISOString(), data } as ToldEvent] : [],
  );
}

/** The version of a pack; null where this process cannot use it. */
export async function usablePack(
  packs: Pick<GatherDeps, 'packVersion'>,
  tenantId: string,
  version: number,
): Promise<CompiledPack | null> {
  try {
    return (await packs.packVersion(tenantId, version)).pack;
  } catch (error) {
    if (error instanceof ProblemError) return null;
    throw error;
  }
}
