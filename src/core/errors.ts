/**
 * A problem somebody can act on: a stable code, where it is, what is wrong and what to do.
 * The same words reach the API (RFC 9457), the CLI, the pack checker and the dead-letter list.
 */
export interface Problem {
  readonly code: string; // `JSON_INVALID`; stable, never reworded
  readonly message: string; // what is wrong, with the value that was seen
  readonly path?: string; // `items[3].severity`, `KAFKA_BOOTSTRAP_SERVERS[1]`, `triage.yaml:12:5`
  readonly hint?: string; // what to do about it
}

/** Thrown where a caller must turn a problem into an answer; `status` is the HTTP status it maps to. */
export class ProblemError extends Error {
  readonly problem: Problem;
  readonly status: number;
  constructor(
    problem: Problem,
    status = 400,
    readonly retryAfterS?: number, // when it is worth trying again
  ) {
    super(`${problem.code}: ${problem.message}`);
    this.name = 'ProblemError';
    this.problem = problem;
    this.status = status;
  }
}

/** Several problems told together, each with its place. */
export class ProblemsError extends Error {
  constructor(
    readonly problems: readonly [Problem, ...Problem[]],
    readonly status = 400,
  ) {
    super(problems.map(({ code, message }) => `${code}: ${message}`).join('\n'));
    this.name = 'ProblemsError';
  }
}

/** The problem that an error carries. One that nobody expected is told as such, so that it can be reported. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return {
    code: 'INTERNAL_ERROR',
    message: quoted(String(error)),
    hint: 'This is a fault of Millrace: please report it.',
  };
}

const SHOWN = 100;

/** Text from outside for a message: short, in quotes, and with control characters escaped, so that every store takes it. */
export function quoted(text: string | null | undefined): string {
  if (text === null || text === undefined) return 'absent';
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

/** The closest of `known` to `word` (edit distance at most a third of its length), for "did you mean". */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, substitution);
    }
    previous = row;
  }
  return previous[b.length] as number;
}
