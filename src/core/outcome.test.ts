import { expect, it } from 'vitest';
import { advance, ignore, reject, retry } from './outcome.js';

it('an outcome says its kind and what belongs to it', () => {
  expect(advance({ status: 'TRIAGED' })).toEqual({ kind: 'advance', status: 'TRIAGED' });
  expect(ignore('closed')).toEqual({ kind: 'ignore', reason: 'closed' });
  expect(retry('no answer', 500)).toEqual({ kind: 'retry', reason: 'no answer', afterMs: 500 });
});

it('a rejection names a place only if it has one', () => {
  expect(reject('X', 'no')).toEqual({ kind: 'reject', code: 'X', message: 'no' });
  expect(reject('X', 'no', 'a.b')).toEqual({ kind: 'reject', code: 'X', message: 'no', path: 'a.b' });
});
