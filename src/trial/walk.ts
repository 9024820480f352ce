/**
 * One input through all stages, in memory: split, normalized, triaged, judged by policy, and as far through its playbook
 * as the answers that were given reach. No effects: what would be called and who would be asked is listed.
 */

import { ProblemError } from '../core/errors.js';
import type { CaseEvent, EventData } from '../core/events.js';
import { deterministicId } from '../core/ids.js';
import { isOfWait } from '../core/timer.js';
import { type CompiledPack, splitSource } from '../packs/index.js';
import type { TrialCase } from './case.js';
import { type Answers, answersOf, type Given } from './given.js';
import { Trail } from './trail.js';
import type { Walked } from './walked.js';
import { World } from './world.js';

/** The request that a source gets. */
export interface WalkInput {
  readonly body: unknown;
  readonly source?: string; // `generic`
  readonly headers?: Readonly<Record<string, string>>; // names in lower case
  readonly now?: number; // epoch ms: when it arrives; without it the time of the system is for the caller to give
  readonly tenant?: string; // what `tenant` is in expressions
  readonly packVersion?: number; // what the records name
}

/** Throws ProblemError GIVEN_UNKNOWN, GIVEN_INVALID. What is wrong with the input itself is among `problems`. */
export function walk(pack: CompiledPack, input: WalkInput, given: Given = {}): Walked {
  return new Walk(pack, input, answersOf(given, pack)).run();
}

const T0 = Date.UTC(2026, 0, 1);

class Walk {
  private readonly world: World;
  private readonly trails = new Map<string, Trail>();
  private readonly now: number;

  constructor(
    private readonly pack: CompiledPack,
    private readonly input: WalkInput,
    private readonly answers: Answers,
  ) {
    const { now = T0, tenant = 'trial', packVersion: version = 0 } = input;
    this.now = now;
    this.world = new World({
      ...{ tenant, now, pack: { version, pack, tellsEach: true }, reportsBefore: answers.seenCount - 1 },
      watcher: {
        event: (of, event) => this.heard(of, event),
        refused: (of, _, code, message) => this.trailOf(of).refuse({ code, message }),
        timer: (of, timer) => !isOfWait(timer) || this.trailOf(of).lastDecision === 'timeout',
      },
    });
  }

  run(): Walked {
    const { source = 'generic', body, headers = {} } = this.input;
    const receivedAt = new Date(this.now).toISOString();
    const { items, problems } = splitSource(this.pack, source, { body, headers, receivedAt });
    for (const [index, item] of items.entries()) {
      const id = deterministicId('trial', index);
      const data = { ...item, source, via: 'api', receivedAt, count: 1, packVersion: 0 } as const;
      const told = this.world.report({ ...data, fingerprint: item.fingerprint ?? id }, id);
      if (told !== null) this.trailOf(told.of).items += 1;
      this.world.advanceTo(this.now);
    }
    while (this.world.step()); // what waits for a time alone goes on
    return { problems, cases: [...this.trails.values()].map((trail) => trail.walked()) };
  }

  private trailOf(of: TrialCase): Trail {
    const known = this.trails.get(of.id);
    if (known !== undefined) return known;
    const trail = new Trail(of, this.pack);
    this.trails.set(of.id, trail);
    return trail;
  }

  private heard(of: TrialCase, event: CaseEvent): void {
    const trail = this.trailOf(of);
    trail.note(event);
    if (event.type === 'ToolRequested') this.finishCall(of, trail, event.data);
    if (event.type === 'ApprovalRequested') this.decide(of, trail, event.data);
  }

  private finishCall(of: TrialCase, trail: Trail, data: EventData['ToolRequested']): void {
    const answer = this.answers.tool(data.step, trail.visit(data.step));
    trail.called(data, answer !== undefined);
    if (answer === undefined) return;
    const { runId, step, executionId, packVersion } = data;
    const error =
      answer.status === 'failed' ? { error: { ...answer.error, errorNumber: 0 } } : { result: answer.result };
    const end = { runId, step, executionId, packVersion, status: answer.status, attempt: 1, tries: 1, latencyMs: 0 };
    const emission = { type: 'ToolFinished', data: { ...end, ...error } } as const;
    this.world.schedule(this.world.now, () => this.world.append(of, emission, 'executor'));
  }

  private decide(of: TrialCase, trail: Trail, data: EventData['ApprovalRequested']): void {
    const { runId, step, waitId, terms } = data;
    const isGate = of.state.run?.gate === 'asked';
    const answer = this.answers.people(isGate ? null : step, trail.visit(step));
    trail.asked(data, isGate, answer?.decision ?? null);
    if (answer === undefined || answer.decision === 'timeout') return;
    const by = answer.by ?? terms.from.slice(0, answer.decision === 'approved' ? terms.quorum : 1);
    for (const name of by)
      if (!terms.from.includes(name)) throw notAsked(isGate ? 'policy' : `steps.${step}`, name, data);
    const { decision, comment } = answer;
    const resolved = {
      runId,
      step,
      waitId,
      decision,
      by: [...by],
      comment,
      packVersion: of.state.run?.packVersion ?? 0,
    };
    this.world.schedule(this.world.now, () => this.world.append(of, { type: 'WaitResolved', data: resolved }, 'api'));
  }
}

function notAsked(path: string, name: string, { terms }: EventData['ApprovalRequested']): ProblemError {
  const message = `"${name}" is not among those who may decide.`;
  return new ProblemError({ code: 'GIVEN_INVALID', path, message, hint: `They are: ${terms.from.join(', ')}.` });
}
