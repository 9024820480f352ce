/** What must hold of cases that waited before triage. */
import type { JournalEntry } from '../../core/envelope.js';
import type { EventData, EventType } from '../../core/events.js';
import { deterministicId } from '../../core/ids.js';
import { requestIdOf } from '../../runtime/letter-anew.js';
import type { DeadLetterRecord } from '../../store/port.js';
import type { StoredCase } from '../memory-store/index.js';
import { WAITS } from './packs.js';
import type { World } from './world.js';

export type Say = (what: string) => void;

/** An event with what it says, read once for all that is asked of it, and only if anything is. */
export class Told {
  readonly type: EventType;
  readonly seq: number;
  readonly after: number;
  readonly eventId: string;
  readonly causeId: string | null;
  readonly emitter: string;
  readonly time: string;
  readonly data: string;
  private read: unknown;

  constructor(entry: JournalEntry) {
    this.type = entry.type;
    this.seq = entry.seq;
    this.after = entry.after;
    this.eventId = entry.eventId;
    this.causeId = entry.causeId;
    this.emitter = entry.emitter;
    this.time = entry.time;
    this.data = entry.data;
  }

  get says(): unknown {
    this.read ??= JSON.parse(this.data);
    return this.read;
  }
}

/** One case with its journal, as it stands at the end. */
export interface Story {
  readonly name: string;
  readonly row: StoredCase;
  readonly entries: readonly Told[];
}

export const dataOf = <T extends EventType>(entries: readonly Told[], type: T): EventData[T][] =>
  entries.filter((entry) => entry.type === type).map((entry) => entry.says as EventData[T]);

/**
 * What was dropped before triage was over: of each fingerprint that was reported, the last word is an end. A report says
 * nothing here whose dead letter was discarded, or was accepted anew: then another case has it.
 */
export function checkDropped({ database, poison }: World, { name, row, entries }: Story, say: Say): void {
  const [dropped] = dataOf(entries, 'CaseSuppressed').filter(({ policy }) => WAITS.includes(policy.winner ?? ''));
  if (dropped === undefined) return;
  const ids = new Set([...database.tables.journal.rows.values()].map(({ eventId }) => eventId));
  const isPoison = ({ stage, partition, offset }: DeadLetterRecord): boolean =>
    poison.some((bad) => bad.stage === stage && bad.partition === partition && bad.offset === offset);
  const gone = [...database.tables.letters.rows.values()].filter(
    (letter) =>
      letter.caseId === row.state.caseId &&
      (letter.status === 'discarded' || ids.has(eventIdAnew(letter))) &&
      !isPoison(letter), // which may have the number of a report
  );
  const said = entries.filter(({ seq }) => !gone.some((letter) => letter.seq === seq));
  const reports = dataOf(said, 'ExceptionIngested').filter(({ via }) => via === 'api');
  const last = new Map(reports.map(({ fingerprint, resolve }) => [fingerprint, resolve]));
  for (const [fingerprint, isOver] of last)
    if (!isOver) say(`${name} was dropped by ${dropped.policy.winner}, and ${fingerprint} is not over`);
}

/** The id that the report of a dead letter has in the journal if it was accepted as a new one. */
export const eventIdAnew = (letter: DeadLetterRecord): string => deterministicId(requestIdOf(letter), 'api', 0);

type Item = { readonly fields: { readonly report: string } };

/** A group takes no more reports than it may. */
export function checkGroup({ name, entries }: Story, say: Say): void {
  const reports = dataOf(entries, 'ExceptionIngested').filter(({ via }) => via === 'api');
  const most = Math.min(...reports.map(({ accumulate }) => accumulate?.max ?? Number.POSITIVE_INFINITY));
  const keys = new Set(reports.map(({ item }) => (item as Item).fields.report)); // a replayed letter says one again
  if (keys.size > most) say(`${name} is a group of ${keys.size}, and takes ${most}`);
}
