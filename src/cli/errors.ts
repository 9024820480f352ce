/** What went wrong, as problems that can be printed. */
import { ConfigError } from '../config.js';
import { type Problem, ProblemError, ProblemsError, problemOf } from '../core/errors.js';
import { LogError } from '../log/errors.js';
import { StoreError } from '../store/errors.js';
import { RefusedError } from './client.js';

/** Every problem behind an error. A database or broker that cannot be reached is no fault of Millrace. */
export function problemsFrom(error: unknown): readonly Problem[] {
  if (error instanceof ConfigError || error instanceof RefusedError || error instanceof ProblemsError)
    return error.problems;
  const isDown = error instanceof LogError || (error instanceof StoreError && error.kind !== 'bug');
  if (!isDown) return [problemOf(error)];
  const hint = 'Run `millrace check`: it tells what cannot be reached, and why.';
  return [problemOf(new ProblemError({ code: 'UNREACHABLE', message: error.message, hint }))];
}
