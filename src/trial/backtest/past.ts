/** The past as the journal tells it: each case with its events, in the order in which the cases began. */
import type { Emitter, EventData, EventType } from '../../core/events.js';
import type { CompiledPack } from '../../packs/index.js';

/** An event of the journal. Explanations are left out: they are the largest part of it, and are decided anew. */
export type PastEvent<T extends EventType = EventType> = {
  [K in T]: {
    readonly seq: number;
    readonly at: number; // epoch ms
    readonly emitter: Emitter;
    readonly type: K;
    readonly data: EventData[K];
  };
}[T];

/** One case with its whole story; the first event is the report that began it. */
export interface PastCase {
  readonly id: string;
  readonly events: readonly PastEvent[];
}

/** Some cases, the oldest first. */
export interface PastPage {
  readonly cases: readonly PastCase[];
  /** The pack versions that accepted their reports, so far as they are still kept. */
  readonly versions: ReadonlyMap<number, AcceptedBy>;
}

/** A version of the pack that accepted reports: what it kept of a request depends on it. */
export interface AcceptedBy {
  readonly pack: CompiledPack;
  readonly files: ReadonlyMap<string, string>;
}

export const isOf = <T extends EventType>(type: T, event: PastEvent): event is Extract<PastEvent, { type: T }> =>
  event.type === type;

/** What people did to a case, beyond what the pack provides for: a rule that they had to correct may be wrong. */
export const MARKS = ['escalated', 'rejected', 'ended by hand', 'worked again'] as const;
export type Mark = (typeof MARKS)[number];

export function marksOf({ events }: PastCase): Mark[] {
  const marks = new Set<Mark>();
  for (const event of events) {
    if (isOf('CaseEscalated', event)) marks.add('escalated');
    if (isOf('WaitResolved', event) && event.data.decision === 'rejected') marks.add('rejected');
    if (isOf('CaseCommanded', event) && event.emitter === 'api') marks.add('ended by hand');
    if (isOf('ExceptionIngested', event) && event.data.via === 'reingest') marks.add('worked again');
  }
  return MARKS.filter((mark) => marks.has(mark));
}

const ENDS: ReadonlySet<EventType> = new Set(['PlaybookFinished', 'CaseSuppressed']);
const BY_PEOPLE: ReadonlySet<EventType> = new Set(['CaseEscalated', 'ApprovalRequested', 'CaseCommanded']);

export interface PastEnd {
  readonly at: number; // epoch ms
  /** Policy suppressed it, its source said that it is over, its run came to its end alone, or people had a part in it. */
  readonly how: 'suppressed' | 'source' | 'alone' | 'people';
  /** How long it had waited for people by then; null: it never did. */
  readonly peopleMs: number | null;
}

/** When and how it really closed; null while it is open. */
export function endOf({ events }: PastCase): PastEnd | null {
  const end = events.find(({ type }) => ENDS.has(type));
  if (end === undefined) return null;
  const { at, type } = end;
  const isOver = events.some((event) => event.type === 'CaseCommanded' && event.emitter === 'intake');
  if (isOver) return { at, how: 'source', peopleMs: null };
  const asked = events.find((event) => BY_PEOPLE.has(event.type) && event.seq < end.seq);
  if (asked === undefined) return { at, how: type === 'CaseSuppressed' ? 'suppressed' : 'alone', peopleMs: null };
  return { at, how: 'people', peopleMs: asked.type === 'CaseCommanded' ? null : at - asked.at };
}
