import { expect, it } from 'vitest';
import { Progress, STALL_MS } from './progress.js';

const marks = (high: number) => [{ partition: 0, low: 0, high }];

it('a worker that stands still for a minute while events wait has stalled, and says where', () => {
  const progress = new Progress('triage');
  progress.assign([0]);
  progress.commit(0, 5);
  expect(progress.judge(marks(9), 0)).toEqual([{ partition: 0, lag: 4 }]);
  progress.judge(marks(9), STALL_MS - 1);
  expect(progress.stalled).toBeUndefined();
  progress.judge(marks(12), STALL_MS);
  expect(progress.stalled).toContain('7 events waiting on partition 0 of triage');
  progress.commit(0, 6);
  progress.judge(marks(12), STALL_MS + 1);
  expect(progress.stalled).toBeUndefined();
});

it('a worker with nothing to do, or that lost its partitions, has not stalled', () => {
  const progress = new Progress('triage');
  progress.assign([0]);
  progress.commit(0, 9);
  progress.judge(marks(9), 0);
  progress.judge(marks(9), 2 * STALL_MS);
  expect(progress.stalled).toBeUndefined();
  progress.judge(marks(10), 2 * STALL_MS + 1);
  progress.assign([]);
  expect(progress.judge(marks(10), 9 * STALL_MS)).toEqual([]);
  expect(progress.stalled).toBeUndefined();
});
