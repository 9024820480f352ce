/** What compiled expressions are. */
import type { FalsePart } from '../../core/records.js';

/** The names that an expression may use, by their values. */
export type Scope = Readonly<Record<string, unknown>>;

/** A compiled `when:` or `if:`. */
export interface Condition {
  readonly source: string;
  /** The first part that was not true; undefined when the whole condition is true. Never throws. */
  falsePart(scope: Scope): FalsePart | undefined;
  /** The equality that it begins with: where that is false, so is the whole. */
  readonly leading: Leading | null;
  /** What is told of it when its leading equality is known to be false. */
  passedOver(scope: Scope): FalsePart;
}

/** `exception.type == 'X'` or `exception.type in ['X', 'Y']`. */
export interface Leading {
  readonly expression: string;
  readonly text: string; // the path as it is written
  readonly keys: readonly string[];
  readonly wanted: ReadonlySet<string>;
}

/** A compiled value with `${{ … }}` inside, at any depth. `render` throws ProblemError (EXPR_FAILED, NUMBER_INVALID). */
export interface Template {
  readonly constant: boolean; // no expression inside: render gives the same for every scope
  readonly source: string; // as it is written in the pack
  render(scope: Scope): unknown;
  /** As render, but a missing key renders as undefined where the expression stands alone, as '' inside text. */
  renderLenient(scope: Scope): unknown;
}

/** Which rules of a list have to be tried, by their numbers in order; each of the others begins with a part that is false. */
export interface RuleFinder {
  candidates(scope: Scope): readonly number[];
  /** Adds for each path how many of the rules from one number up to, but without, another begin with a test of it. */
  wanting(from: number, to: number, add: (text: string, rules: number) => void): void;
}
