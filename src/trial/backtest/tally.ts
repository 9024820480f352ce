/** Adds up what became of each exception: counts, matrices, and which rules made the difference. */
import { CALL_EFFECTS } from '../../core/work.js';
import type { Cause } from './difference.js';
import { type CauseCount, type Counts, type Dimension, MATRICES, type Matrix, type Move } from './report.js';
import { resultOf, type Verdict } from './verdict.js';

const DIMENSIONS = [
  ...(['result', 'category', 'severity', 'playbook', 'escalation', 'approvals', 'calls', 'suppressed'] as const),
] satisfies readonly Dimension[];
const MOST_WORDS = 200; // a category may be made from a field; further words are counted together
const REST = '(others)';

/** Counts by word. */
class Words {
  private readonly counts = new Map<string, number>();

  add(word: string, by = 1): void {
    const known = this.counts.has(word) || this.counts.size < MOST_WORDS ? word : REST;
    this.counts.set(known, (this.counts.get(known) ?? 0) + by);
  }

  /** The most frequent first. */
  sorted(): [string, number][] {
    return [...this.counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  }
}

export class CountTally {
  private readonly words: Readonly<Record<Dimension, Words>> = byName(DIMENSIONS, () => new Words());

  add(verdict: Verdict): void {
    const { words } = this;
    words.result.add(resultOf(verdict));
    for (const name of ['category', 'severity', 'playbook', 'escalation'] as const) {
      const word = verdict[name];
      if (word !== null) words[name].add(word);
    }
    if (verdict.effect === 'suppress') words.suppressed.add(verdict.severity ?? 'none');
    for (const { from } of verdict.approvals) for (const person of from) words.approvals.add(person);
    for (const effect of CALL_EFFECTS) if (verdict.calls[effect] > 0) words.calls.add(effect, verdict.calls[effect]);
  }

  counts(): Counts {
    return byName(DIMENSIONS, (name) => Object.fromEntries(this.words[name].sorted()));
  }
}

const SEPARATOR = '\u0000';

/** From one word to the other. */
export class MoveTally {
  private readonly words = new Words();

  add(before: string, after: string): void {
    this.words.add(before === after ? before : `${before}${SEPARATOR}${after}`);
  }

  moves(): Move[] {
    return this.words.sorted().map(([pair, cases]) => {
      const [before = '', after = before] = pair.split(SEPARATOR);
      return { before, after, cases };
    });
  }
}

export class MatrixTally {
  private readonly moves: Readonly<Record<Matrix, MoveTally>> = byName(MATRICES, () => new MoveTally());

  add(before: Verdict, after: Verdict): void {
    this.moves.result.add(resultOf(before), resultOf(after));
    for (const name of ['category', 'severity', 'playbook'] as const) {
      if (before[name] !== null || after[name] !== null) this.moves[name].add(before[name] ?? '-', after[name] ?? '-');
    }
  }

  matrices(): Readonly<Record<Matrix, readonly Move[]>> {
    return byName(MATRICES, (name) => this.moves[name].moves());
  }
}

interface CauseEntry {
  readonly cause: Cause;
  cases: number;
  marked: number;
  readonly moves: MoveTally;
  readonly example: string;
}
const MOST_CAUSES = 500;

export class CauseTally {
  private readonly entries = new Map<string, CauseEntry>();

  add(cause: Cause, id: string, before: Verdict, after: Verdict, isMarked: boolean): void {
    const key = `${cause.stage} ${cause.rule}`;
    let entry = this.entries.get(key);
    if (entry === undefined) {
      if (this.entries.size >= MOST_CAUSES) return;
      entry = { cause, cases: 0, marked: 0, moves: new MoveTally(), example: id };
      this.entries.set(key, entry);
    }
    entry.cases += 1;
    if (isMarked) entry.marked += 1;
    entry.moves.add(resultOf(before), resultOf(after));
  }

  causes(): CauseCount[] {
    const all = [...this.entries.values()].sort((a, b) => b.cases - a.cases);
    return all.map(({ cause, cases, marked, moves, example }) => ({
      ...cause,
      cases,
      marked,
      moves: moves.moves(),
      example,
    }));
  }
}

function byName<K extends string, V>(names: readonly K[], make: (name: K) => V): Record<K, V> {
  const made: Partial<Record<K, V>> = {};
  for (const name of names) made[name] = make(name);
  return made as Record<K, V>;
}
