/**
 * Where a stage's lost events are looked for: in what is new since the last look, then in what looks before had no time for,
 * at first a whole day. A piece of it is as long as it may take some tens of milliseconds, and a look has a budget: nobody
 * shall notice the search. What it does not come to now it comes to when there is less to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { caseKey } from '../core/ids.js';
import type { CaseKey } from '../store/port.js';

/** Cases with lost events of a time from `from` until before `to` (epoch ms), at most `limit`; null: it is too much. */
export type FindLost = (from: number, to: number, limit: number) => Promise<readonly CaseKey[] | null>;

export const LOOK_BACK_MS = 24 * 60 * 60_000;
const FIRST_PIECE_MS = 1_000;
const FIRST_SPAN_MS = 60_000;
const SHORTEST_PIECE_MS = 100;
const IDLE_MS = 2; // there is nothing
const QUICK_MS = 10;
const SLOW_MS = 25;
const REST = 4; // so many times as long as a question took, others are given time
const A_LOOK_MS = 300;
const MOST_SPANS = 60; // an hour of looks that all ran out of time

/** A time, from `from` until before `to`, in which events may be lost. */
interface Span {
  from: number;
  readonly to: number;
}

export class LostEvents {
  private open: readonly Span[] = []; // the newest first; between them nothing is lost
  private lookedTo: number | undefined;
  private readonly newPiece = new Piece();
  private readonly oldPiece = new Piece();

  constructor(
    private readonly find: FindLost,
    private readonly most: number,
  ) {}

  /** Cases with events lost before `to`, each once. A piece in which none was lost is not looked at again. */
  async before(to: number): Promise<readonly CaseKey[]> {
    if (this.lookedTo === undefined) {
      this.lookedTo = to - FIRST_SPAN_MS;
      this.open = [{ from: to - LOOK_BACK_MS, to: this.lookedTo }];
    }
    const look: Look = { found: new Map(), left: [], spentMs: 0 };
    await this.search({ from: this.lookedTo, to }, this.newPiece, look);
    for (const span of this.open) await this.search(span, this.oldPiece, look);
    const { left } = look;
    while (left.length > MOST_SPANS) {
      const oldest = left.pop() as Span;
      (left[left.length - 1] as Span).from = oldest.from;
    }
    this.open = left;
    this.lookedTo = Math.max(to, this.lookedTo);
    return [...look.found.values()];
  }

  /** Backwards through the span, as far as the look has time. */
  private async search(span: Span, piece: Piece, look: Look): Promise<void> {
    const { found, left } = look;
    let end = span.to;
    while (end > span.from && found.size < this.most && look.spentMs < A_LOOK_MS) {
      const begin = Math.max(span.from, end - piece.ms);
      const started = performance.now();
      const cases = await this.find(begin, end, this.most - found.size);
      for (const one of cases ?? []) found.set(caseKey(one.tenantId, one.caseId), one);
      const took = performance.now() - started;
      look.spentMs += took;
      await piece.pace(took, end - begin, cases !== null);
      if (cases === null) continue;
      if (cases.length > 0) keep(left, begin, end);
      end = begin;
    }
    keep(left, span.from, end);
  }
}

interface Look {
  readonly found: Map<string, CaseKey>;
  readonly left: Span[]; // for the next look
  spentMs: number;
}

/** How much time one question is about: more after a quick answer, less after a slow one or none. */
class Piece {
  ms = FIRST_PIECE_MS;

  async pace(took: number, width: number, answered: boolean): Promise<void> {
    if (!answered) this.ms = Math.max(SHORTEST_PIECE_MS, width / 16);
    else if (took < QUICK_MS) this.ms = Math.min(LOOK_BACK_MS, this.ms * (took < IDLE_MS ? 60 : 4));
    else if (took > SLOW_MS) this.ms = Math.max(SHORTEST_PIECE_MS, width / 4);
    if (took > IDLE_MS) await sleep(took * REST);
  }
}

/** `spans` are the newest first; what adjoins the last of them is added to it. */
function keep(spans: Span[], from: number, to: number): void {
  if (from >= to) return;
  const last = spans[spans.length - 1];
  if (last?.from === to) last.from = from;
  else spans.push({ from, to });
}
