import { type Problem, ProblemError } from '../core/errors.js';

export type Attempt<T> =
  | { readonly value: T; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: Problem };

/** The value of `act`, or the problem that it threw. Any other error is a mistake in this program and goes on. */
export function attempt<T>(act: () => T): Attempt<T> {
  try {
    return { value: act() };
  } catch (error) {
    if (error instanceof ProblemError) return { problem: error.problem };
    throw error;
  }
}

/** A problem of an inner part, its path put behind `prefix`. */
export const within = (problem: Problem, ...prefix: readonly string[]): Problem => {
  const path = [...prefix, problem.path].filter((part) => part !== undefined && part !== '').join('.');
  return path === '' ? problem : { ...problem, path };
};
