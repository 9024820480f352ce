/**
 * Where a stage's lost events are looked for: in what is new since the last look, and, some pieces at each look, in the day before
 * the process began. A piece is as long as it may take some tens of milliseconds: nobody shall notice the search.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { caseKey } from '../core/ids.js';
import type { CaseKey } from '../store/port.js';

/** Cases with lost events of a time from `from` until before `to` (epoch ms), at most `limit`. */
export type FindLost = (from: number, to: number, limit: number) => Promise<readonly CaseKey[]>;

export const LOOK_BACK_MS = 24 * 60 * 60_000;
const FIRST_PIECE_MS = 60_000;
const IDLE_MS = 2; // there is nothing
const QUICK_MS = 10;
const SLOW_MS = 40;
const A_LOOK_MS = 500; // of the day before, at each look

export class LostEvents {
  private checkedTo: number | undefined; // between `older.to` and it nothing is lost
  private older: { readonly from: number; to: number; reached: number } | undefined;
  private piece = FIRST_PIECE_MS;

  constructor(
    private readonly find: FindLost,
    private readonly most: number,
  ) {}

  /** Cases with events lost before `to`, each once. What is not said to be checked is looked at again. */
  async before(to: number): Promise<readonly CaseKey[]> {
    this.checkedTo ??= to - FIRST_PIECE_MS;
    this.older ??= { from: to - LOOK_BACK_MS, to: this.checkedTo, reached: this.checkedTo };
    const found = new Map<string, CaseKey>();
    await this.search(this.checkedTo, to, found, Number.POSITIVE_INFINITY);
    this.older.reached = await this.search(this.older.from, this.older.to, found, A_LOOK_MS);
    return [...found.values()];
  }

  /** Of what the last look went through nothing before `to` was lost, nor can be any more: the next one begins there. */
  checked(to: number): void {
    this.checkedTo = to;
    if (this.older) this.older.to = this.older.reached;
  }

  /** Backwards from `to`, piece by piece; answers how far it came in `budgetMs` of the database's time. */
  private async search(from: number, to: number, found: Map<string, CaseKey>, budgetMs: number): Promise<number> {
    let end = to;
    let spent = 0;
    while (end > from && found.size < this.most && spent < budgetMs) {
      const begin = Math.max(from, end - this.piece);
      const started = performance.now();
      const cases = await this.find(begin, end, this.most - found.size);
      for (const one of cases) found.set(caseKey(one.tenantId, one.caseId), one);
      const took = performance.now() - started;
      const width = end - begin;
      end = begin;
      spent += took;
      if (took < QUICK_MS) this.piece = Math.min(LOOK_BACK_MS, this.piece * (took < IDLE_MS ? 60 : 4));
      if (took > SLOW_MS) {
        this.piece = Math.max(1_000, width / 4);
        await sleep(took);
      }
    }
    return end;
  }
}
