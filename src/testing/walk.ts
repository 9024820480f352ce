/**
 * One case's way through the six decisions in memory, without shell, log or store. Every decision is held to what the
 * shell relies on: it sees only the sections its stage reads, is pure, moves along an arrow, and its events are valid.
 */
import { expect } from 'vitest';
import { type BudgetClaim, BudgetLedger, type BudgetUses } from '../core/budget.js';
import { type CaseState, type CaseStatus, canMove, SECTIONS } from '../core/case.js';
import { type CaseEvent, type Command, EVENTS, type EventData, type EventType, stageFor } from '../core/events.js';
import { deterministicId } from '../core/ids.js';
import type { Advance, Emission, Outcome } from '../core/outcome.js';
import type { StageName } from '../core/stages.js';
import { emissionOf } from '../core/timer.js';
import type { ExecutionDraft, TimerDraft } from '../core/work.js';
import type { CompiledPack } from '../packs/index.js';
import type { GatherDeps } from '../stages/contract.js';
import { STAGE_TABLE } from '../stages/index.js';
import { packOf } from './packs.js';

export const T0 = Date.UTC(2026, 10, 20, 9);
export const VERSION = 3;
const TENANT = 'acme';
const CASE = '11111111-2222-4333-8444-555555555555';

export const caseOf = (over: Partial<CaseState> = {}): CaseState => ({
  ...{ tenantId: TENANT, caseId: CASE, kind: 'exception', status: 'OPEN', paused: false },
  ...{ count: 0, createdAt: T0, lastSeenAt: T0 },
  ...{ exception: null, triage: null, policy: null, run: null, feedback: null },
  ...over,
});

export function eventOf<T extends EventType>(type: T, data: EventData[T], seq = 1): CaseEvent<T> {
  const id = deterministicId(type, seq);
  const rest = {
    emitter: 'api',
    tenantId: TENANT,
    caseId: CASE,
    seq,
    after: seq - 1,
    causeId: null,
    traceparent: null,
  };
  return { id, type, data: EVENTS[type].data.parse(data), time: new Date(T0).toISOString(), ...rest } as CaseEvent<T>;
}

export const report = (over: Partial<EventData['ExceptionIngested']> = {}): EventData['ExceptionIngested'] => ({
  source: 'generic',
  via: 'api',
  receivedAt: '2026-11-20T08:59:59.000Z',
  item: { type: 'FAIL', title: 'Trade T-1 failed', entity: 'T-1', fields: { amount: 5 } },
  fingerprint: 'FAIL|T-1',
  resolve: false,
  count: 1,
  packVersion: VERSION,
  ...over,
});

/** A case, its journal, and the work that its decisions have handed out. */
export class Walk {
  state: CaseState = caseOf();
  now = T0;
  readonly journal: Emission[] = [];
  readonly ignored: string[] = [];
  readonly calls: ExecutionDraft[] = [];
  readonly timers = new Map<string, TimerDraft>();
  readonly waits = new Map<string, string>(); // id → status
  readonly uses = new Map<string, BudgetUses>(); // of budgets, by their key
  readonly last: { outcome?: Outcome } = {};
  private readonly deps: GatherDeps;

  constructor(
    readonly pack: CompiledPack,
    private readonly stopBefore?: StageName,
  ) {
    const gather = () => ({ version: VERSION, pack });
    this.deps = { activePack: gather, packVersion: gather };
  }

  /** A walk through a pack of these files; what policies.yaml is not told to say, it allows. */
  static of(files: Readonly<Record<string, string>>, stopBefore?: StageName): Walk {
    return new Walk(packOf({ 'policies.yaml': 'default: { effect: allow }', ...files }), stopBefore);
  }

  /** A walk with a playbook of these lines, whose first report has come as far as it goes by itself. */
  static running(steps: string, files: Readonly<Record<string, string>> = {}): Walk {
    return Walk.of({ 'playbooks/p.yaml': `playbook: fix\n${steps}`, ...files }).report();
  }

  get types(): EventType[] {
    return this.journal.map(({ type }) => type);
  }
  get status(): CaseStatus {
    return this.state.status;
  }

  /** The next case; what budgets were used stays. */
  next(): this {
    this.state = caseOf();
    return this;
  }

  report(over: Partial<EventData['ExceptionIngested']> = {}): this {
    return this.append({ type: 'ExceptionIngested', data: report(over) });
  }

  /** Ends the latest call, as an executor would. */
  finishCall(end: Partial<EventData['ToolFinished']> = {}): this {
    const { executionId, runId, step } = this.calls.at(-1)!;
    const told = { status: 'succeeded', attempt: 1, tries: 1, latencyMs: 5, packVersion: VERSION } as const;
    return this.append({ type: 'ToolFinished', data: { executionId, runId, step, ...told, ...end } });
  }

  /** Decides the pending approval, as people would by the API. */
  answer(decision: 'approved' | 'rejected', comment: string | null = null): this {
    const { runId, pending } = this.state.run!;
    if (pending?.kind !== 'approval') throw new Error('no approval is pending');
    const { waitId, step } = pending;
    const data = { runId, step, waitId, decision, by: ['ann'], comment, packVersion: VERSION };
    return this.append({ type: 'WaitResolved', data });
  }

  /** Lets time pass until the next timer fires. */
  fireTimer(): this {
    return this.fire();
  }

  /** Lets the next timer fire, or the next one of this kind though others are due before. */
  fire(only?: TimerDraft['kind']): this {
    const mine = [...this.timers.values()].filter(({ kind }) => only === undefined || kind === only);
    const [timer] = mine.sort((a, b) => a.dueAt - b.dueAt);
    this.timers.delete(timer!.timerId);
    this.now = Math.max(this.now, timer!.dueAt);
    const emission = emissionOf(timer!);
    if (emission === null) throw new Error('no decision makes such a timer');
    return this.append(emission);
  }

  command(command: Command, reason = 'test trade'): this {
    return this.append({ type: 'CaseCommanded', data: { command, by: 'ann', reason } });
  }

  /** Appends an event and lets every stage work until nothing is left to do. */
  append(first: Emission): this {
    const queue = [first];
    for (let emission = queue.shift(); emission !== undefined; emission = queue.shift()) {
      this.journal.push(emission);
      const stage = stageFor(emission.type);
      if (stage === null || stage === this.stopBefore) continue;
      const outcome = this.decide(stage, eventOf(emission.type, emission.data, this.journal.length));
      this.last.outcome = outcome;
      if (outcome.kind === 'ignore') this.ignored.push(`${emission.type}: ${outcome.reason}`);
      if (outcome.kind !== 'advance') continue;
      this.take(outcome);
      queue.push(...(outcome.emit ?? []));
    }
    return this;
  }

  private decide(name: StageName, event: CaseEvent): Outcome {
    const stage = STAGE_TABLE[name];
    const unread = SECTIONS.filter((section) => !stage.reads.includes(section)).map((section) => [section, null]);
    const seen: CaseState = { ...this.state, ...Object.fromEntries(unread) };
    const before = JSON.stringify(seen);
    const facts = stage.gather(this.deps, event);
    const ledger = this.ledger(stage.claims?.(seen, event, facts, this.now) ?? []);
    const budgets = ledger.of(TENANT);
    const outcome = stage.decide(seen, event, facts, this.now, budgets);
    expect(stage.decide(seen, event, facts, this.now, budgets), `${name} decides the same again`).toEqual(outcome);
    expect(JSON.stringify(seen), `${name} leaves its input alone`).toBe(before);
    if (outcome.kind === 'advance') ledger.spend(TENANT, outcome.spend ?? []);
    for (const row of ledger.changed()) this.uses.set(`${row.budget}:${row.key}`, row);
    return outcome;
  }

  private ledger(claims: readonly BudgetClaim[]): BudgetLedger {
    const own = claims.map((claim) => ({ ...claim, tenantId: TENANT }));
    return new BudgetLedger(own, [...this.uses.values()], this.now);
  }

  private take({ status = this.state.status, set, merged, ...work }: Advance): void {
    expect(canMove(this.state.status, status), `${this.state.status} to ${status}`).toBe(true);
    const kept: CaseState = { ...this.state, ...set, ...merged, status };
    expect(JSON.parse(JSON.stringify(kept)), 'the case survives the store').toEqual(kept);
    this.state = kept;
    this.calls.push(...(work.executions ?? []));
    for (const wait of work.waits ?? []) this.waits.set(wait.waitId, 'open');
    for (const { waitId, status: end } of work.closeWaits ?? []) this.waits.set(waitId, end);
    for (const timer of work.timers ?? []) this.timers.set(timer.timerId, timer);
    for (const timerId of work.cancelTimers ?? []) this.timers.delete(timerId);
  }
}

/** The data of the last event of this type in a walk. */
export function lastOf<T extends EventType>(walk: Walk, type: T): EventData[T] {
  const found = walk.journal.filter((emission): emission is Extract<Emission, { type: T }> => emission.type === type);
  return found.at(-1)!.data as EventData[T];
}
