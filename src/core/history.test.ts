import { expect, it } from 'vitest';
import { bucketOf, extended, type History, occurrences } from './history.js';

const T0 = Date.UTC(2026, 10, 20, 9, 2);
const MINUTE = 60_000;

it('reports are counted, and the last hour and day are told', () => {
  let history: History | undefined;
  for (const [minutes, count] of [
    [0, 1],
    [600, 2],
    [1_320, 3],
    [1_350, 4],
  ] as const)
    history = extended(history, count, T0 + minutes * MINUTE);
  expect(occurrences(history!, T0 + 1_380 * MINUTE)).toEqual({
    count: 10,
    first: '2026-11-20T09:02:00.000Z',
    last: '2026-11-21T07:32:00.000Z',
    in1h: 7,
    in24h: 10,
  });
  expect(occurrences(history!, T0 + 2 * 1_440 * MINUTE)).toMatchObject({ count: 10, in1h: 0, in24h: 0 });
});

it('what is older than a day takes no room, and is still among all', () => {
  const first = extended(undefined, 5, T0);
  const next = extended(first, 1, T0 + 25 * 60 * MINUTE);
  expect(next).toMatchObject({ count: 6, first: T0, buckets: { [bucketOf(next.last)]: 1 } });
  expect(Object.keys(next.buckets)).toHaveLength(1);
  expect(extended(next, 2, next.last + 1).buckets).toEqual({ [bucketOf(next.last)]: 3 });
});

it('a day of reports each second stays small', () => {
  let history: History | undefined;
  for (let second = 0; second < 2 * 86_400; second += 20) history = extended(history, 20, T0 + second * 1_000);
  expect(Object.keys(history!.buckets).length).toBeLessThanOrEqual(289);
  const { in1h, in24h } = occurrences(history!, history!.last);
  expect(in1h).toBeGreaterThanOrEqual(3_600);
  expect(in1h).toBeLessThanOrEqual(3_900);
  expect(in24h).toBeGreaterThanOrEqual(86_400);
});
