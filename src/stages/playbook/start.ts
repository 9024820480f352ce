/** Starts a run: what policy allows, which playbook fits, and the approval that may stand before its first step. */
import type { CaseState } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { deterministicId } from '../../core/ids.js';
import type { Emission, Outcome } from '../../core/outcome.js';
import type { PolicyRecord, RuleTrace } from '../../core/records.js';
import type { RunState } from '../../core/run.js';
import { choosePlaybook, limitText } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { fits, misfit } from '../fit.js';
import { askGate } from './ask.js';
import { NEEDS, type RunContext, scopeOf } from './context.js';
import { escalate, type Reason } from './ending.js';
import { proceed } from './steps.js';

type Evaluated = CaseEvent<'PolicyEvaluated'>;

export function start(state: CaseState, event: Evaluated, { pack, version }: PackVersion, now: number): Outcome {
  if (!fits(state, 'EVALUATED', NEEDS)) return misfit(state, 'EVALUATED');
  const denied = denial(state.policy);
  if (denied) return escalate(null, version, now, { ...denied, explain: event.data.policy.explain });
  const { playbook, explain } = choosePlaybook(pack, scopeOf(state, now, version));
  if (playbook === null) {
    return escalate(null, version, now, { code: 'NO_PLAYBOOK', reason: whyNone(state.policy, explain), explain });
  }
  const run = newRun(deterministicId(event.id, 'run'), playbook.name, version, now);
  const { runId } = run;
  const data = { runId, playbook: playbook.name, explain, packVersion: version };
  const started: Emission = { type: 'PlaybookStarted', data };
  const first = begin({ state, pack, playbook, now }, run);
  return { ...first, emit: [started, ...first.emit] };
}

/** One that matched was passed over because of policy. */
function whyNone({ only = [] }: PolicyRecord, explain: readonly RuleTrace[]): string {
  if (!explain.some(({ matched }) => matched)) return `none of the ${explain.length} playbooks fits this exception`;
  return `no playbook that fits this exception is allowed: ${only.map(limitText).join('; ')}`;
}

function begin(context: RunContext, run: RunState) {
  const { effect, approval } = context.state.policy;
  return effect === 'require_approval' && approval !== null ? askGate(context, run, approval) : proceed(context, run);
}

/** Why no playbook may run, or undefined. An approval that does not say whom to ask is none. */
function denial({ effect, reason, approval, code }: PolicyRecord): Reason | undefined {
  if (effect === 'hold') return { code: 'POLICY_HELD', reason };
  if (effect === 'deny') return { code: code ?? 'POLICY_DENIED', reason };
  if (effect !== 'require_approval' || approval !== null) return undefined;
  if (code !== undefined) return { code, reason };
  return { code: 'POLICY_DENIED', reason: `${reason}, but the policy names nobody who may approve` };
}

const newRun = (runId: string, playbook: string, packVersion: number, now: number): RunState => ({
  runId,
  playbook,
  packVersion,
  status: 'RUNNING',
  at: 0,
  steps: {},
  pending: null,
  gate: 'none',
  startedAt: now,
  finishedAt: null,
});
