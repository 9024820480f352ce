/**
 * The index of a list of rules: which of them have to be tried at all. A rule whose condition begins with an equality
 * (`exception.type == 'X' && …`) is looked up by the value, so five hundred rules do not cost five hundred evaluations.
 */
import type { FalsePart, RuleTrace } from '../core/records.js';
import { valueAt } from './expressions/paths.js';
import type { Condition, Leading, RuleFinder, Scope } from './types.js';

export interface IndexedRule {
  readonly name: string;
  readonly place: string;
  readonly when: Condition | null;
}

/** So many rules that were passed over unread are told one by one, or by name; the others are summed up. */
export const MOST_PASSED = 50;
/** So many rules that were tried and did not match are told one by one. */
export const MOST_TRIED = 500;

export interface DecideOptions {
  /** Tries every rule and tells of each: what `explain` of one rule asks for. */
  readonly all?: boolean;
  /** Tells rules that were passed over by their names, in one line for each path; `eachTrace` makes them lines again. */
  readonly brief?: boolean;
}

interface Path {
  readonly text: string;
  readonly keys: readonly string[];
  readonly all: number[]; // the rules that begin with a test of it
  readonly byValue: Map<string, number[]>;
}

export class RuleIndex implements RuleFinder {
  private readonly paths = new Map<string, Path>();
  private readonly always: number[] = []; // rules that no look-up can decide

  constructor(rules: readonly IndexedRule[]) {
    for (const [at, { when }] of rules.entries()) {
      const leading = when?.leading;
      if (leading === null || leading === undefined) {
        this.always.push(at);
        continue;
      }
      const { text, keys, wanted } = leading;
      const name = JSON.stringify(keys);
      const path: Path = this.paths.get(name) ?? { text, keys, all: [], byValue: new Map() };
      this.paths.set(name, path);
      path.all.push(at);
      for (const value of wanted) path.byValue.set(value, [...(path.byValue.get(value) ?? []), at]);
    }
  }

  /** The rules, by their numbers, that have to be tried, in order; all others begin with a part that is false. */
  candidates(scope: Scope): readonly number[] {
    if (this.paths.size === 0) return this.always;
    const found = [...this.always];
    for (const { keys, all, byValue } of this.paths.values()) {
      const value = valueAt(scope, keys);
      for (const at of typeof value === 'string' ? (byValue.get(value) ?? []) : all) found.push(at);
    }
    return found.length === this.always.length ? found : found.sort((a, b) => a - b);
  }

  wanting(from: number, to: number, add: (text: string, rules: number) => void): void {
    for (const { text, all } of this.paths.values()) {
      const rules = firstFrom(all, to) - firstFrom(all, from);
      if (rules > 0) add(text, rules);
    }
  }
}

/** Where in a sorted list the first number stands that is not below `least`. */
function firstFrom(sorted: readonly number[], least: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Stands for rules without a line of their own. In ASCII, as all that is written here: one other character doubles a text's memory. */
const MORE = '...';

interface PassedOver {
  readonly place: string; // of the first
  readonly values: FalsePart['values'];
  readonly names: string[];
}

/**
 * A line for each rule again, in the order of the pack: of the version that decided, since a rule is known by its name only.
 */
export function eachTrace(rules: readonly IndexedRule[], explain: readonly RuleTrace[]): RuleTrace[] {
  const order = new Map(rules.map(({ name }, at) => [name, at]));
  const told = explain.flatMap((trace): RuleTrace[] => {
    const { rules: names, place, falsePart } = trace;
    if (names === undefined || falsePart === undefined) return [trace];
    return names.map((name) => {
      const rule = rules[order.get(name) ?? -1];
      const { expression } = rule?.when?.leading ?? falsePart;
      return { name, place: rule?.place ?? place, matched: false, falsePart: { ...falsePart, expression } };
    });
  });
  const place = ({ name }: RuleTrace): number => order.get(name) ?? rules.length;
  return told.sort((a, b) => place(a) - place(b));
}

/** Collects what is told of the rules of a list, in order, and keeps it small however long the list is. */
export class Traces {
  readonly explain: RuleTrace[] = [];
  private readonly more = new Map<string, number>(); // path → rules that want another value of it
  private firstMore: IndexedRule | undefined;
  private passed = 0;
  private tried = 0;
  private silent = 0;
  private readonly groups = new Map<string, PassedOver>(); // by path, in brief

  constructor(
    private readonly index: RuleFinder,
    private readonly scope: Scope,
    private readonly options: DecideOptions,
  ) {}

  /** The rules from one number up to, but without, another were not tried. */
  passOver(rules: readonly IndexedRule[], from: number, to: number): void {
    const told = Math.min(to, from + MOST_PASSED - this.passed);
    for (let at = from; at < told; at++) {
      const { name, place, when } = rules[at] as IndexedRule;
      if (this.options.brief) this.note(name, place, when as Condition);
      else this.explain.push({ name, place, matched: false, falsePart: (when as Condition).passedOver(this.scope) });
    }
    this.passed += Math.max(0, told - from);
    if (told >= to) return;
    this.firstMore ??= rules[told];
    this.index.wanting(told, to, (text, count) => this.more.set(text, (this.more.get(text) ?? 0) + count));
  }

  private note(name: string, place: string, when: Condition): void {
    const { text } = when.leading as Leading;
    const group = this.groups.get(text);
    if (group === undefined)
      this.groups.set(text, { place, values: when.passedOver(this.scope).values, names: [name] });
    else group.names.push(name);
  }

  /** A rule that was tried and did not match. */
  failed(trace: RuleTrace): void {
    if (this.options.all || this.tried < MOST_TRIED) this.explain.push(trace);
    else this.silent += 1;
    this.tried += 1;
  }

  /** A rule that matched; answers where it stands, for `replace`. */
  matched(trace: RuleTrace): number {
    return this.explain.push(trace) - 1;
  }

  replace(at: number, trace: RuleTrace): void {
    this.explain[at] = trace;
  }

  /** Everything that was told, and one line for what was not. */
  done(): RuleTrace[] {
    for (const [expression, { place, values, names: rules }] of this.groups) {
      const skipped = rules.length;
      this.explain.push({ name: MORE, place, matched: false, falsePart: { expression, values }, rules, skipped });
    }
    const notes = [...this.more].map(([text, count]) => `${count} more want another \`${text}\``);
    if (this.silent > 0) notes.push(`${this.silent} more did not match`);
    if (notes.length === 0) return this.explain;
    const skipped = [...this.more.values()].reduce((sum, count) => sum + count, this.silent);
    const place = this.firstMore?.place ?? '';
    return [...this.explain, { name: MORE, place, matched: false, note: notes.join('; '), skipped }];
  }
}

/** Tries the rules of these numbers (null: all of them) in order, until one ends it; tells which were passed over. */
export function tryInOrder<Rule extends IndexedRule>(
  rules: readonly Rule[],
  candidates: readonly number[] | null,
  traces: Traces,
  attempt: (rule: Rule) => boolean,
): void {
  let next = 0;
  for (const at of candidates ?? rules.keys()) {
    traces.passOver(rules, next, at);
    next = at + 1;
    if (!attempt(rules[at] as Rule)) return;
  }
  traces.passOver(rules, next, rules.length);
}
