/** Takes a run from step to step, in one decision, until it has to wait for something or is at its end. */
import { deterministicId } from '../../core/ids.js';
import type { RunState, StepState } from '../../core/run.js';
import {
  type CompiledStep,
  evaluateIf,
  renderStepCall,
  renderTitle,
  type StepScope,
  type ToolStep,
} from '../../packs/index.js';
import { ask } from './ask.js';
import { type Progress, progress, type RunContext, record, stepScopeOf, toNext, visitOf } from './context.js';
import { escalate, finishRun } from './ending.js';

/** What working a step comes to: the run goes on, or this decision stops here. */
type Worked = { readonly run: RunState } | { readonly stop: Progress };

/** Goes on with the step that the run is at. */
export function proceed(context: RunContext, run: RunState): Progress {
  const { playbook, pack, now } = context;
  const most = pack.limits.stepsPerRun;
  let current = run;
  for (;;) {
    const step = playbook.steps[current.at];
    if (step === undefined) return finishRun(context, current, playbook.finish);
    if (stepsTaken(current) >= most) {
      const reason = `the run has taken ${most} steps, as many as one run may take`;
      return escalate(current, current.packVersion, now, { code: 'RUN_LIMIT', reason });
    }
    const worked = work(context, current, step);
    if ('stop' in worked) return worked.stop;
    current = worked.run;
  }
}

/** A step failed for good: the run goes on without it where the step says so, else a person takes over. */
export function failStep(
  context: RunContext,
  run: RunState,
  step: CompiledStep,
  error: NonNullable<StepState['error']> & { readonly visit: number },
): Worked {
  const { code, message, visit } = error;
  const failed = record(run, step.id, { status: 'failed', visit, error: { code, message } });
  if (step.onError === 'continue') return { run: toNext(failed) };
  const reason = `step ${step.id} failed: ${code}: ${message}`;
  return { stop: escalate(failed, run.packVersion, context.now, { code: 'STEP_FAILED', reason }) };
}

const stepsTaken = (run: RunState): number => Object.values(run.steps).reduce((sum, { visit }) => sum + visit, 0);

function work(context: RunContext, run: RunState, step: CompiledStep): Worked {
  const scope = stepScopeOf(context, run);
  const visit = visitOf(run, step.id) + 1;
  const wanted = evaluateIf(step, scope);
  if (wanted.problem) return failStep(context, run, step, { ...wanted.problem, visit });
  if (!wanted.run) return { run: toNext(record(run, step.id, { status: 'skipped', visit })) };
  switch (step.kind) {
    case 'tool':
      return request(context, run, { step, visit, scope });
    case 'approve': {
      const waiting = record(run, step.id, { status: 'waiting', visit });
      const question = { step: step.id, visit, title: renderTitle(step, scope), terms: step.terms };
      return { stop: ask(context, waiting, question) };
    }
    case 'finish':
      return { stop: finishRun(context, record(run, step.id, { status: 'done', visit }), step.finish) };
  }
}

/** The call's id is made from the run, the step and its visit, so that a repeated decision asks for the same call. */
function request(
  context: RunContext,
  run: RunState,
  { step, visit, scope }: { readonly step: ToolStep; readonly visit: number; readonly scope: StepScope },
): Worked {
  const call = renderStepCall(context.pack, step, scope);
  if ('code' in call) return failStep(context, run, step, { ...call, visit });
  const { runId, packVersion } = run;
  const executionId = deterministicId(runId, step.id, visit);
  const requested: RunState = {
    ...record(run, step.id, { status: 'requested', visit }),
    pending: { kind: 'tool', step: step.id, executionId },
  };
  const retry = { ...call.retry, on: [...call.retry.on] };
  const { priority } = context.state.triage;
  const about = { runId, step: step.id, executionId, packVersion };
  const data = Object.assign(about, call, { retry }, priority !== undefined && { priority });
  return { stop: progress({ status: 'RUNNING', set: { run: requested }, emit: [{ type: 'ToolRequested', data }] }) };
}
