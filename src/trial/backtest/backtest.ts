/**
 * A candidate pack on the past: every case of that time goes once through the candidate and once through the active
 * version, in the order of time, and both are held against what really happened. Fed page by page; what is over is
 * counted and forgotten, so memory does not grow with the past. It never writes.
 */
import type { StageName } from '../../core/stages.js';
import { isoOf } from '../../core/time.js';
import { Heap } from '../heap.js';
import { sharedStages } from '../twin.js';
import { causeOf, differences, isEqual } from './difference.js';
import { type Lived, livedOf } from './lived.js';
import { type AcceptedBy, endOf, isOf, marksOf, type PastCase, type PastEnd, type PastPage } from './past.js';
import type { Written } from './refit.js';
import { Replay } from './replay.js';
import type { BacktestReport, Change } from './report.js';
import { CauseTally, CountTally, MatrixTally } from './tally.js';
import { resultOf, type Verdict, VerdictMaker } from './verdict.js';

export interface BacktestOptions {
  readonly tenant: string;
  readonly candidate: Written;
  readonly active: Written & { readonly version: number };
  readonly since: number; // epoch ms
  readonly until: number;
  readonly limit: number; // how many changed cases are listed
  readonly apart?: boolean; // the candidate takes over nothing that the active version decided: the same, only slower
}

const REAL_FIELDS = ['fate', 'category', 'severity', 'effect', 'playbook'] as const;

export class Backtest {
  private readonly due = new Heap<() => void>();
  private readonly versions = new Map<number, AcceptedBy>();
  private readonly active: Replay;
  private readonly candidate: Replay;
  private readonly counts = { really: new CountTally(), active: new CountTally(), candidate: new CountTally() };
  private readonly matrices = new MatrixTally();
  private readonly causes = new CauseTally();
  private readonly changes: Change[] = [];
  private undecided: Lived[] = [];
  private readonly open = new Set<Lived>();
  private readonly sums = { cases: 0, reports: 0, carried: 0, changed: 0, changedMarked: 0, unknown: 0, merged: 0 };
  private readonly fromReal = { active: 0, candidate: 0 };
  private readonly people = { ms: 0, cases: 0 }; // how long people really took, where they were needed
  private now = 0;

  constructor(private readonly options: BacktestOptions) {
    const { tenant, candidate, active } = options;
    const { version } = active; // of both, so that what they decide alike is equal
    const shared = options.apart === true ? NONE : sharedBy(active, candidate);
    const leads = shared.size > 0;
    const seenBackMs = Math.max(active.pack.seenBackMs, candidate.pack.seenBackMs);
    const both = { tenant, version, now: 0, seenBackMs };
    this.active = new Replay({ ...both, written: active, leads });
    this.candidate = new Replay({ ...both, written: candidate, ...(leads && { follows: { shared } }) });
  }

  /** Cases that were counted so far. */
  get counted(): number {
    return this.sums.cases;
  }

  /** How much of everything is kept: it depends on what goes on at a time, not on how long the past is. */
  get kept(): Readonly<Record<string, number>> {
    const { due, undecided, open, active, candidate } = this;
    const own = { due: due.size, undecided: undecided.length, past: open.size };
    return { ...own, ...prefixed('active', active.kept), ...prefixed('candidate', candidate.kept) };
  }

  /** How far the clock has come, epoch ms. */
  get reached(): number {
    return this.now;
  }

  /** Cases whose first report is not earlier than that of all cases before. */
  feed({ cases, versions }: PastPage): void {
    for (const [version, pack] of versions) this.versions.set(version, pack);
    for (const past of cases) this.begin(past);
    const waiting = this.undecided;
    this.undecided = [];
    for (const lived of waiting) this.over(lived);
  }

  /** Counts what is still open, and tells. `complete`: everything of that time was fed. */
  finish(complete: boolean): BacktestReport {
    this.advanceTo(complete ? Math.max(this.now, this.options.until) : this.now);
    for (const lived of [...this.open]) this.judge(lived);
    return this.report(complete);
  }

  private begin(past: PastCase): void {
    const [first, ...rest] = past.events;
    if (first === undefined || !isOf('ExceptionIngested', first)) return;
    this.advanceTo(first.at);
    const end = endOf(past);
    const lived = livedOf(past, end);
    this.open.add(lived);
    this.arrive(lived, first.seq);
    for (const event of rest) {
      if (isOf('ExceptionIngested', event)) this.due.push(event.at, () => this.arrive(lived, event.seq));
    }
    if (end !== null) this.due.push(end.at, () => this.end(lived, end));
    this.due.push(past.events.at(-1)?.at ?? first.at, () => this.over(lived));
  }

  private arrive({ past, active, candidate }: Lived, seq: number): void {
    const event = past.events.find((one) => one.seq === seq);
    if (event === undefined || !isOf('ExceptionIngested', event)) return;
    const accepted = this.versions.get(event.data.packVersion);
    const first = this.active.report(active, event, accepted);
    const told = this.candidate.report(candidate, event, accepted, first);
    if (first?.arrival === 'created' && told?.arrival !== 'created') first.of.lead = null; // nobody follows it
  }

  private end({ active, candidate }: Lived, { how, peopleMs }: PastEnd): void {
    const { people } = this;
    if (peopleMs !== null) {
      people.ms += peopleMs;
      people.cases += 1;
    }
    const mean = people.cases === 0 ? null : people.ms / people.cases;
    this.active.end(active, how, mean);
    this.candidate.end(candidate, how, mean);
  }

  private over(lived: Lived): void {
    if (!this.open.has(lived)) return;
    if (this.active.isSettled(lived.active) && this.candidate.isSettled(lived.candidate)) this.judge(lived);
    else this.undecided.push(lived);
  }

  private advanceTo(time: number): void {
    while (this.due.next <= time) {
      const next = this.due.pop();
      if (next === undefined) break;
      this.setClock(next.at);
      next.value();
    }
    this.setClock(time);
  }

  private setClock(time: number): void {
    this.now = Math.max(this.now, time);
    this.active.world.advanceTo(this.now);
    this.candidate.world.advanceTo(this.now);
  }

  private judge(lived: Lived): void {
    this.open.delete(lived);
    const { past } = lived;
    const before = this.active.take(lived.active);
    const after = this.candidate.take(lived.candidate);
    const at = past.events[0]?.at ?? 0;
    if (at < this.options.since) {
      this.sums.carried += 1;
      return;
    }
    const really = this.reality(past);
    this.sums.cases += 1;
    this.counts.really.add(really);
    this.counts.active.add(before.verdict);
    this.counts.candidate.add(after.verdict);
    this.matrices.add(before.verdict, after.verdict);
    if (after.verdict.fate === 'unknown') this.sums.unknown += 1;
    if (differsFromReal(really, before.verdict)) this.fromReal.active += 1;
    if (differsFromReal(really, after.verdict)) this.fromReal.candidate += 1;
    const found = differences(before.verdict, after.verdict);
    if (found.length === 0) return;
    const marks = marksOf(past);
    const cause = causeOf(before, after);
    this.sums.changed += 1;
    if (marks.length > 0) this.sums.changedMarked += 1;
    this.causes.add(cause, past.id, before.verdict, after.verdict, marks.length > 0);
    if (this.changes.length >= this.options.limit) return;
    const { title, type } = after.verdict.title === null ? before.verdict : after.verdict;
    const told = {
      id: past.id,
      at: new Date(at).toISOString(),
      title: title ?? really.title,
      type: type ?? really.type,
    };
    this.changes.push({ ...told, differences: found, cause, marks, really: realWord(really) });
  }

  private reality(past: PastCase): Verdict {
    const maker = new VerdictMaker();
    this.sums.merged -= 1;
    for (const event of past.events) {
      if (isOf('ExceptionIngested', event)) {
        this.sums.reports += event.data.count;
        if (!event.data.resolve) this.sums.merged += event.data.count;
      }
      maker.note(event);
    }
    return maker.verdict;
  }

  private report(complete: boolean): BacktestReport {
    const { tenant, since, until, candidate, active } = this.options;
    const { counts, sums, fromReal, changes } = this;
    const { merged, ...told } = sums;
    return {
      ...{ tenant, since: isoOf(since), until: isoOf(until), complete, replayedUntil: isoOf(this.now) },
      candidate: { name: candidate.pack.name, hash: candidate.pack.hash },
      active: { name: active.pack.name, version: active.version },
      ...told,
      changedFromReal: fromReal.candidate,
      activeFromReal: fromReal.active,
      mergedReports: { really: merged, active: this.active.merged, candidate: this.candidate.merged },
      counts: { really: counts.really.counts(), active: counts.active.counts(), candidate: counts.candidate.counts() },
      matrices: this.matrices.matrices(),
      causes: this.causes.causes(),
      changes,
      notListed: sums.changed - changes.length,
      notes: notesOf(this.sums, fromReal.active),
    };
  }
}

const prefixed = (name: string, counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([what, count]) => [`${name}.${what}`, count]));

const NONE: ReadonlySet<StageName> = new Set();

/** The stages that decide the same under both packs. Where only one counts histories, reports differ, and so does all. */
const sharedBy = (active: Written, candidate: Written): ReadonlySet<StageName> =>
  active.pack.readsSeen === candidate.pack.readsSeen ? sharedStages(active.files, candidate.files) : NONE;

/** Only what was decided: answers that nobody can know make the rest uncertain. */
const differsFromReal = (really: Verdict, replayed: Verdict): boolean =>
  replayed.fate !== 'unknown' && !REAL_FIELDS.every((field) => isEqual(field, really, replayed));

const realWord = (really: Verdict): string =>
  [resultOf(really), really.outcome === 'open' ? '' : really.outcome].filter(Boolean).join(', ');

function notesOf(sums: { readonly carried: number; readonly unknown: number }, activeFromReal: number): string[] {
  const notes: string[] = [];
  const many = (count: number) => (count === 1 ? '1 exception' : `${count} exceptions`);
  if (sums.carried > 0) notes.push(`${many(sums.carried)} from before were still open: replayed, not counted.`);
  if (sums.unknown > 0)
    notes.push(`Of ${many(sums.unknown)} it cannot be told: the candidate reads what was not kept.`);
  if (activeFromReal > 0) {
    const why = 'an older version decided, or what was reported meanwhile came in another order';
    notes.push(`The active version itself would decide ${many(activeFromReal)} in another way than happened: ${why}.`);
  }
  return notes;
}
