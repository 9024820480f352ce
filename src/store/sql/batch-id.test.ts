import { expect, it, vi } from 'vitest';
import { newBatchId } from './batch-id.js';

it('of ids that one process makes, each is larger than the one before, and a UUID by time', () => {
  const before = Date.now();
  const ids = Array.from({ length: 2_000 }, newBatchId);
  expect([...new Set(ids)].sort()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const time = Number.parseInt((ids[0] as string).replace('-', '').slice(0, 12), 16);
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThanOrEqual(Date.now());
});

it('a clock that is set back makes no id smaller than the one before', () => {
  const before = newBatchId();
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
  const after = newBatchId();
  clock.mockRestore();
  expect(after > before).toBe(true);
});
