/**
 * What a stage is: which events it takes, which sections of the case it reads, what it gathers, and its pure decision.
 * Everything else (locks, sequence, publishing, dead letters) is the shell's.
 */
import type { BudgetClaim, BudgetView } from '../core/budget.js';
import type { CaseState, Section } from '../core/case.js';
import type { CaseEvent, EventType } from '../core/events.js';
import type { Outcome } from '../core/outcome.js';
import type { StageName } from '../core/stages.js';
import type { CompiledPack } from '../packs/index.js';

/** A pack as a stage gets it: compiled, with the version number that its records name. */
export interface PackVersion {
  readonly version: number;
  readonly pack: CompiledPack;
  /** Records tell each rule that was passed over in a line of its own: for who reads them without the pack. */
  readonly tellsEach?: boolean;
}

/** What stages may ask for before they decide. Answers are cached; a tenant without a pack has version 0, the built-in one. */
export interface GatherDeps {
  activePack(tenantId: string): PackVersion | Promise<PackVersion>;
  packVersion(tenantId: string, version: number): PackVersion | Promise<PackVersion>;
}

export interface Stage<T extends EventType = EventType, Facts = unknown> {
  readonly name: StageName;
  readonly consumes: readonly T[];
  readonly reads: readonly Section[]; // loaded under the lock, its own section included
  /**
   * Runs outside the transaction; what it throws makes the shell try the chunk again. A ProblemError is about this event
   * alone: it is tried again by itself, later, and becomes a dead letter in the end; all others go on.
   */
  gather(deps: GatherDeps, event: CaseEvent<T>): Facts | Promise<Facts>;
  /** Which budgets the decision may want to look at: locked under the case locks, before `decide`. Pure. */
  claims?(state: CaseState, event: CaseEvent<T>, facts: Facts, now: number): readonly BudgetClaim[];
  /**
   * Pure: the same arguments give the same outcome. `now` is the database's clock, epoch ms. `budgets` answers for what
   * `claims` named; earlier decisions of the same chunk count.
   */
  decide(state: CaseState, event: CaseEvent<T>, facts: Facts, now: number, budgets: BudgetView): Outcome;
}
