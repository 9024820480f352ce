/**
 * One guard taken away at a time. Only what surrounds the runtime is changed, never the runtime: the store's conditions
 * and answers, the log's records, who runs. A build without the guard must not survive.
 */
import type { LogRecord } from '../../core/envelope.js';
import type { Tx } from '../../store/port.js';
import type { Guards } from '../memory-store/index.js';
import type { Process } from './scheduler.js';
import type { World } from './world.js';

export interface Mutant {
  readonly guard: string;
  readonly guards?: Partial<Guards>;
  /** False: reads of cases take no lock, so that what stands behind the lock has to hold. */
  readonly lockOnRead?: boolean;
  /** Answers and arguments that differ from the store's. */
  readonly tx?: (tx: Tx, world: World, process: Process) => Partial<Tx>;
  readonly record?: (record: LogRecord) => LogRecord;
  readonly sweeps?: boolean;
  /** Only a journal that is wrong counts: the guard turns a wrong write into an error, which is seen as a dead letter. */
  readonly judgesJournalOnly?: boolean;
}

export const MUTANTS: readonly Mutant[] = [
  { guard: 'position', tx: nothingIsDone },
  { guard: 'dedupe by sequence', tx: seenIsForgotten },
  { guard: 'version check (reads take no lock)', lockOnRead: false, guards: { version: () => true } },
  {
    guard: 'sequence unique (no lock, no version)',
    lockOnRead: false,
    judgesJournalOnly: true,
    guards: { version: () => true, sequence: () => undefined },
  },
  { guard: 'publish order', tx: (tx) => ({ write: async (batch) => (await tx.write(batch)).slice(0, 0) }) },
  { guard: 'wait decided once', tx: waitIsOpen },
  { guard: 'ledger attempt', guards: { attempt: ({ status }) => status !== 'pending' } },
  { guard: 'outbox sweep', sweeps: false },
  { guard: 'timer claim', tx: timersAreThere },
  { guard: 'journal check', tx: everythingIsKnown },
  { guard: 'gap detection', record: (record) => ({ ...record, headers: { ...record.headers, ce_after: '0' } }) },
];

/** The same worlds with the guard in place: they must hold, or the guard was not what failed. */
export const CONTROLS: readonly Mutant[] = [
  { guard: 'version check (reads take no lock)', lockOnRead: false },
  {
    guard: 'sequence unique (no lock, no version)',
    lockOnRead: false,
    judgesJournalOnly: true,
    guards: { version: () => true },
  },
];

/** What a chunk brings counts as new, wherever the position stands. */
function nothingIsDone(tx: Tx, { firstInHand }: World, process: Process): Partial<Tx> {
  return {
    openChunk: async (position, refs, sections) => {
      const chunk = await tx.openChunk(position, refs, sections);
      const first = firstInHand.get(process) ?? 0;
      return chunk.next !== null && chunk.next > first ? { ...chunk, next: first } : chunk;
    },
  };
}

function seenIsForgotten(tx: Tx): Partial<Tx> {
  return {
    openChunk: async (position, refs, sections) => {
      const chunk = await tx.openChunk(position, refs, sections);
      const cases = chunk.cases.map((row) => {
        const mine = refs.filter(({ caseId }) => caseId === row.state.caseId).map(({ seq }) => seq);
        const before = Math.min(...mine) - 1;
        const seen = Object.fromEntries(Object.entries(row.seen).map(([stage, seq]) => [stage, Math.min(seq, before)]));
        return { ...row, seen: { ...row.seen, [position.group]: seen[position.group] ?? 0 } };
      });
      return { ...chunk, cases };
    },
  };
}

function waitIsOpen(tx: Tx): Partial<Tx> {
  return {
    lockWait: async (tenantId, waitId) => {
      const found = await tx.lockWait(tenantId, waitId);
      return found === null ? null : { ...found, status: 'open', decisions: [] };
    },
  };
}

function timersAreThere(tx: Tx): Partial<Tx> {
  return {
    claimTimerTurn: async () => true,
    takeTimers: async (timers) => {
      await tx.takeTimers(timers);
      return new Set(timers.map(({ timerId }) => timerId));
    },
  };
}

function everythingIsKnown(tx: Tx): Partial<Tx> {
  return {
    openChunk: async (position, refs, sections) => {
      const chunk = await tx.openChunk(position, refs, sections);
      return {
        ...chunk,
        known: new Set(refs.map(({ tenantId, caseId, seq, eventId }) => `${tenantId}:${caseId}:${seq}:${eventId}`)),
      };
    },
  };
}
