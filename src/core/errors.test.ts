import { describe, expect, it } from 'vitest';
import { didYouMean, ProblemError, ProblemsError, problemOf, quoted } from './errors.js';

describe('"did you mean" names the closest word', () => {
  const known = ['intake', 'triage', 'policy', 'playbook', 'tool', 'feedback'];
  it.each([
    ['triag', 'triage'],
    ['TRIAGE', 'triage'],
    ['playbok', 'playbook'],
    ['poilcy', 'policy'],
    ['tol', 'tool'],
    ['feedbakc', 'feedback'],
  ])('%s: %s', (word, meant) => {
    expect(didYouMean(word, known)).toBe(meant);
  });

  it.each(['', 'x', 'scheduler', 'triangulate'])('%j is close to none', (word) => {
    expect(didYouMean(word, known)).toBeUndefined();
  });

  it('the first of equally close words wins, and without words there is none', () => {
    expect(didYouMean('bat', ['cat', 'rat'])).toBe('cat');
    expect(didYouMean('bat', [])).toBeUndefined();
  });
});

it('several problems are one error that says all of them', () => {
  const problems = [
    { code: 'A', message: 'One.' },
    { code: 'B', message: 'Two.' },
  ] as const;
  expect(new ProblemsError([...problems])).toMatchObject({ status: 400, message: 'A: One.\nB: Two.' });
  expect(new ProblemsError([...problems], 422)).toMatchObject({ status: 422, problems, name: 'ProblemsError' });
});

describe('a problem error', () => {
  const problem = { code: 'JSON_INVALID', message: 'Not valid JSON.', path: 'line 1 column 1', hint: 'Check it.' };

  it('is a bad request unless it says otherwise', () => {
    expect(new ProblemError(problem).status).toBe(400);
    expect(new ProblemError(problem, 413).status).toBe(413);
    expect(new ProblemError(problem, 429, 7).retryAfterS).toBe(7);
  });

  it('names its code in its message', () => {
    expect(String(new ProblemError(problem))).toBe('ProblemError: JSON_INVALID: Not valid JSON.');
  });

  it('gives its problem back', () => {
    expect(problemOf(new ProblemError(problem))).toBe(problem);
  });

  it.each([new TypeError('x is not a function'), 'x is not a function'])('any other error is internal: %s', (error) => {
    const { code, message } = problemOf(error);
    expect(code).toBe('INTERNAL_ERROR');
    expect(message).toContain('x is not a function');
  });
});

describe('text from outside is quoted for messages', () => {
  it.each([
    ['abc', '"abc"'],
    ['a\u0000"b"\n', '"a\\u0000\\"b\\"\\n"'],
    ['\ud800', '"\\ud800"'],
    ['x'.repeat(101), `"${'x'.repeat(100)}…"`],
    ['', '""'],
    [null, 'absent'],
    [undefined, 'absent'],
  ])('%j: %s', (text, shown) => {
    expect(quoted(text)).toBe(shown);
  });
});
