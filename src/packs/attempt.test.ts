import { expect, it } from 'vitest';
import { ProblemError } from '../core/errors.js';
import { attempt, within } from './attempt.js';

const problem = { code: 'X', message: 'x' };

it('a problem that was thrown comes back as a value', () => {
  expect(attempt(() => 5)).toEqual({ value: 5 });
  expect(
    attempt(() => {
      throw new ProblemError(problem);
    }),
  ).toEqual({ problem });
});

it('any other error is a mistake in the program and goes on', () => {
  const broken = () => {
    throw new TypeError('broken');
  };
  expect(() => attempt(broken)).toThrow(TypeError);
});

it('a problem of an inner part tells the whole path', () => {
  expect(within({ ...problem, path: 'b' }, 'a')).toEqual({ ...problem, path: 'a.b' });
  expect(within(problem, 'a')).toEqual({ ...problem, path: 'a' });
  expect(within(problem)).toEqual(problem);
});
