/** What one case of a walk left behind: gathered while it walks, told when it has ended. */
import type { Problem } from '../core/errors.js';
import type { CaseEvent, EventData } from '../core/events.js';
import type { PolicyRecord, RuleTrace, TriageRecord } from '../core/records.js';
import type { RunState } from '../core/run.js';
import { type CompiledPack, findPlaybook } from '../packs/index.js';
import type { TrialCase } from './case.js';
import type { WalkedApproval, WalkedCall, WalkedCase, WalkedEnding, WalkedStep } from './walked.js';

export class Trail {
  items = 0;
  lastDecision: WalkedApproval['decision'] = null;
  private readonly events: CaseEvent[] = [];
  private readonly calls: WalkedCall[] = [];
  private readonly approvals: WalkedApproval[] = [];
  private readonly steps: WalkedStep[] = [];
  private triage: TriageRecord | null = null;
  private policy: PolicyRecord | null = null;
  private playbooks: readonly RuleTrace[] = [];
  private ending: WalkedEnding | null = null;
  private problem: Problem | null = null;
  private before: RunState['steps'] = {};

  constructor(
    private readonly of: TrialCase,
    private readonly pack: CompiledPack,
  ) {}

  visit(step: string): number {
    return this.of.state.run?.steps[step]?.visit ?? 1;
  }

  refuse(problem: Problem): void {
    this.problem ??= problem;
  }

  note(event: CaseEvent): void {
    this.events.push(event);
    this.noteSteps();
    switch (event.type) {
      case 'ExceptionTriaged':
        this.triage = event.data.triage;
        break;
      case 'PolicyEvaluated':
        this.policy = event.data.policy;
        break;
      case 'PlaybookStarted':
        this.playbooks = event.data.explain;
        break;
      default:
        this.noteEnding(event);
    }
  }

  called({ step, tool, effect, connection, input }: EventData['ToolRequested'], answered: boolean): void {
    this.calls.push({ step, tool, effect, connection, input, answered });
  }

  asked(data: EventData['ApprovalRequested'], isGate: boolean, decision: WalkedApproval['decision']): void {
    const { step, title, terms } = data;
    const { from, quorum, timeoutMs, onTimeout } = terms;
    this.lastDecision = decision;
    this.approvals.push({ step: isGate ? null : step, title, from, quorum, timeoutMs, onTimeout, decision });
  }

  walked(): WalkedCase {
    this.noteSteps();
    const { id, state } = this.of;
    const { triage, policy, playbooks, steps, calls, approvals, ending, problem, events, items } = this;
    const playbook = state.run?.playbook ?? null;
    const told = { id, items, status: state.status, exception: state.exception, triage, policy, playbook, playbooks };
    return { ...told, steps, calls, approvals, ending, waitsFor: this.waitsFor(), problem, events };
  }

  private noteEnding(event: CaseEvent): void {
    if (event.type === 'CaseSuppressed') {
      this.policy = event.data.policy;
      this.ending = { outcome: 'suppressed', code: null, reason: event.data.policy.reason };
    } else if (event.type === 'CaseEscalated') {
      const { code, reason, explain } = event.data;
      this.ending = { outcome: 'escalated', code, reason };
      if (code === 'NO_PLAYBOOK') this.playbooks = explain;
    } else if (event.type === 'PlaybookFinished') {
      this.ending = { outcome: event.data.outcome, code: null, reason: event.data.note };
    }
  }

  /** What has happened to the run's steps since the last look: first what ended, then what it came to. */
  private noteSteps(): void {
    const { run } = this.of.state;
    if (run === null || run.steps === this.before) return;
    const order = findPlaybook(this.pack, run.playbook)?.steps ?? [];
    const changed = order.flatMap(({ id, kind }) => {
      const [was, is] = [this.before[id], run.steps[id]];
      return is === undefined || is === was ? [] : [{ id, kind, isNew: was?.visit !== is.visit, is }];
    });
    this.before = run.steps;
    for (const { id, kind, is } of [
      ...changed.filter(({ isNew }) => !isNew),
      ...changed.filter(({ isNew }) => isNew),
    ]) {
      const place = this.steps.findIndex((step) => step.id === id && step.visit === is.visit);
      if (place < 0) this.steps.push({ id, kind, ...is });
      else this.steps[place] = { id, kind, ...is };
    }
  }

  private waitsFor(): string | null {
    const { run } = this.of.state;
    if (run === null || run.pending === null) return null;
    return run.gate === 'asked' ? 'policy' : `steps.${run.pending.step}`;
  }
}
