import { expect, it } from 'vitest';
import { emissionOf, isOfWait } from './timer.js';
import type { TimerDraft } from './work.js';

const timer = (kind: TimerDraft['kind']): TimerDraft => ({ timerId: 't', kind, dueAt: 5, data: { waitId: 'w' } });

it.each(['wait.timeout', 'wait.remind'] as const)('%s tells the run that waits for people', (kind) => {
  expect(emissionOf(timer(kind))).toEqual({
    type: 'TimerFired',
    data: { timerId: 't', kind, dueAt: 5, data: { waitId: 'w' } },
  });
  expect(isOfWait(timer(kind))).toBe(true);
});

it.each(['hold', 'accumulate', 'window'] as const)('%s tells intake that the time is over', (kind) => {
  expect(emissionOf(timer(kind))).toMatchObject({ type: 'AccumulationElapsed', data: { kind } });
  expect(isOfWait(timer(kind))).toBe(false);
});

it('what only sends events again says nothing', () => {
  expect(emissionOf(timer('redeliver'))).toBeNull();
});
