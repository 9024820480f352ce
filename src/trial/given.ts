/**
 * What somebody says that tools and people would answer. By name: `steps.look` is the result of that step's call,
 * `steps.look.error` its failure, `steps.ok` or `policy` what people decide; `#2` after a step's name is its second
 * visit; `seen.count` is how often the same thing is taken to have been reported, this report included.
 */
import { type Problem, ProblemError } from '../core/errors.js';
import { type CompiledPack, suggestion } from '../packs/index.js';

export type Given = Readonly<Record<string, unknown>>;

/** How a tool's call ends. */
export type ToolAnswer =
  | { readonly status: 'succeeded'; readonly result: unknown }
  | { readonly status: 'failed'; readonly error: { readonly code: string; readonly message: string } };

/** What people decide; `timeout`: nobody does in time. Without `by` as many of those who may as it takes. */
export interface PeopleAnswer {
  readonly decision: 'approved' | 'rejected' | 'timeout';
  readonly by: readonly string[] | null;
  readonly comment: string | null;
}

export interface Answers {
  readonly seenCount: number;
  /** Undefined: nobody said, so the run stops there. */
  tool(step: string, visit: number): ToolAnswer | undefined;
  /** `step` is null for the approval that policy asks for. */
  people(step: string | null, visit: number): PeopleAnswer | undefined;
}

const KEY = /^(?:policy|seen|seen\.count|steps\.([A-Za-z_][A-Za-z0-9_]*)(?:#([1-9]\d*))?(?:\.(error|result))?)$/;

/** Throws ProblemError GIVEN_UNKNOWN or GIVEN_INVALID, which names the key. */
export function answersOf(given: Given, pack: CompiledPack): Answers {
  const steps = new Map(pack.playbooks.flatMap((playbook) => playbook.steps.map((step) => [step.id, step.kind])));
  for (const [key, value] of Object.entries(given)) check(key, value, steps);
  const at = (step: string, visit: number, part = ''): unknown =>
    given[`steps.${step}#${visit}${part}`] ?? given[`steps.${step}${part}`];
  return {
    seenCount: seenCount(given),
    tool: (step, visit) => {
      const error = at(step, visit, '.error');
      if (error !== undefined) return { status: 'failed', error: errorOf(error) };
      const result = at(step, visit) ?? at(step, visit, '.result');
      return result === undefined ? undefined : { status: 'succeeded', result };
    },
    people: (step, visit) => {
      const value = step === null ? given.policy : at(step, visit);
      return value === undefined ? undefined : decisionOf(step === null ? 'policy' : `steps.${step}`, value);
    },
  };
}

function check(key: string, value: unknown, steps: ReadonlyMap<string, string>): void {
  const match = KEY.exec(key);
  const [, step] = match ?? [];
  if (match === null) {
    const hint = 'Use steps.<id>, steps.<id>.error, policy or seen.count.';
    throw refuse('GIVEN_UNKNOWN', key, `\`${key}\` names nothing that can be given.`, hint);
  }
  if (step !== undefined && !steps.has(step)) {
    throw refuse('GIVEN_UNKNOWN', key, `No playbook has a step \`${step}\`.`, suggestion(step, steps.keys()));
  }
  if (key === 'policy' || (step !== undefined && steps.get(step) === 'approve' && !key.endsWith('.error'))) {
    decisionOf(key, value);
  }
}

function seenCount(given: Given): number {
  const seen = given.seen as { readonly count?: unknown } | undefined;
  const count = given['seen.count'] ?? seen?.count ?? 1;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1) return count;
  throw refuse('GIVEN_INVALID', 'seen.count', 'It must be a whole number of at least 1.', 'This report is counted.');
}

const DECISIONS = ['approved', 'rejected', 'timeout'] as const;

function decisionOf(key: string, value: unknown): PeopleAnswer {
  const written = typeof value === 'object' && value !== null ? (value as Given) : { decision: value };
  const decision = DECISIONS.find((word) => word === written.decision);
  if (decision === undefined) {
    const hint = 'Or { decision: rejected, by: [dana], comment: "wrong amount" }.';
    throw refuse('GIVEN_INVALID', key, 'It must be approved, rejected or timeout.', hint);
  }
  const by = written.by === undefined ? null : [written.by].flat().map(String);
  return { decision, by, comment: typeof written.comment === 'string' ? written.comment : null };
}

function errorOf(value: unknown): { readonly code: string; readonly message: string } {
  const { code, message } = (typeof value === 'object' && value !== null ? value : { message: value }) as Given;
  return { code: String(code ?? 'FAILED'), message: String(message ?? 'the call failed') };
}

function refuse(code: string, path: string, message: string, hint: string): ProblemError {
  const problem: Problem = { code, path, message, hint };
  return new ProblemError(problem);
}
