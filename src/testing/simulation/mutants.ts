/**
 * One guard taken away at a time. Only what surrounds the runtime is changed, never the runtime: the store's conditions
 * and answers, the log's records, who runs. A build without the guard must not survive.
 */
import type { Tx } from '../../store/port.js';
import type { Process } from './scheduler.js';
import type { Mutant, World } from './world.js';

// What stands behind the lock of a case shows only where there is no lock.
const UNLOCKED = { lockOnRead: false } as const;
const VERSION = 'version check (no row lock)';
const SEQUENCE = 'sequence unique (no row lock, no version)';

export const MUTANTS: readonly Mutant[] = [
  { guard: 'position', tx: nothingIsDone },
  { guard: 'dedupe by sequence', tx: seenIsForgotten },
  { guard: VERSION, ...UNLOCKED, guards: { version: () => true, sequence: () => undefined } },
  { guard: SEQUENCE, ...UNLOCKED, judgesNumbersOnly: true, guards: { version: () => true, sequence: () => undefined } },
  { guard: 'publish order', tx: nothingIsSentAgain },
  { guard: 'wait decided once', tx: waitIsOpen },
  { guard: 'letter settled once', tx: letterIsOpen },
  { guard: 'ledger attempt', guards: { attempt: ({ status }) => status !== 'pending' } },
  { guard: 'outbox sweep', sweeps: false },
  { guard: 'reconciler', reconciles: false },
  { guard: 'incidents’ turn', tx: (tx) => ({ incidents: { ...tx.incidents, claimTurn: async () => true } }) },
  { guard: 'timer claim', tx: timersAreThere },
  { guard: 'journal check', tx: everythingIsKnown },
  { guard: 'event id', tx: awaitsAnyOfThisSeq },
  { guard: 'gap detection', record: (record) => ({ ...record, headers: { ...record.headers, ce_after: '0' } }) },
];

/** The same worlds with the guard in place: they must hold, or the guard was not what failed. */
export const CONTROLS: readonly Mutant[] = [
  { guard: VERSION, ...UNLOCKED, guards: { sequence: () => undefined } },
  { guard: SEQUENCE, ...UNLOCKED, judgesNumbersOnly: true, guards: { version: () => true } },
];

/** What a stage lacks before an event is not published before it. */
function nothingIsSentAgain(tx: Tx): Partial<Tx> {
  return {
    write: async (batch) => {
      const left = await tx.write(batch);
      return left && { ...left, entries: left.entries.filter((entry) => batch.journal.includes(entry)) };
    },
  };
}

/** What a chunk brings counts as new, wherever the position stands. */
function nothingIsDone(tx: Tx, { firstInHand }: World, process: Process): Partial<Tx> {
  return {
    openChunk: async (positions, refs, sections, stage) => {
      const chunk = await tx.openChunk(positions, refs, sections, stage);
      const first = firstInHand.get(process);
      const next = [...chunk.next].map(
        ([partition, at]) => [partition, Math.min(at, first?.get(partition) ?? 0)] as const,
      );
      return { ...chunk, next: new Map(next) };
    },
  };
}

function seenIsForgotten(tx: Tx): Partial<Tx> {
  return {
    openChunk: async (positions, refs, sections, stage) => {
      const chunk = await tx.openChunk(positions, refs, sections, stage);
      const [{ group = '' } = {}] = positions;
      const cases = chunk.cases.map((row) => {
        const mine = refs.filter(({ caseId }) => caseId === row.state.caseId).map(({ seq }) => seq);
        const before = Math.min(...mine) - 1;
        const seen = Object.fromEntries(Object.entries(row.seen).map(([stage, seq]) => [stage, Math.min(seq, before)]));
        return { ...row, seen: { ...row.seen, [group]: seen[group] ?? 0 } };
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

function letterIsOpen(tx: Tx): Partial<Tx> {
  return {
    lockDeadLetter: async (tenantId, deadLetterId) => {
      const found = await tx.lockDeadLetter(tenantId, deadLetterId);
      return found === null ? null : { ...found, status: 'open' };
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

function awaitsAnyOfThisSeq(tx: Tx): Partial<Tx> {
  return {
    openChunk: async (positions, refs, sections, stage) => {
      const chunk = await tx.openChunk(positions, refs, sections, stage);
      const sent = new Map(chunk.cases.map((row) => [row.state.caseId, stage && row.sent[stage]]));
      const known = refs.map(({ caseId, seq }, i) => chunk.known[i] || sent.get(caseId) === seq);
      return { ...chunk, known };
    },
  };
}

function everythingIsKnown(tx: Tx): Partial<Tx> {
  return {
    openChunk: async (positions, refs, sections, stage) => {
      const chunk = await tx.openChunk(positions, refs, sections, stage);
      return { ...chunk, known: refs.map(() => true) };
    },
  };
}
