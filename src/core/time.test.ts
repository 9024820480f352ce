import { expect, it } from 'vitest';
import { isoOf, parseTime } from './time.js';

it.each([
  ['2026-11-20T08:30:00Z', Date.UTC(2026, 10, 20, 8, 30)],
  ['2026-11-20t08:30:00.5z', Date.UTC(2026, 10, 20, 8, 30, 0, 500)],
  ['2026-11-20T08:30:00.123456789+02:00', Date.UTC(2026, 10, 20, 6, 30, 0, 123)],
  ['2024-02-29T23:59:59-05:30', Date.UTC(2024, 2, 1, 5, 29, 59)],
])('%s is a time', (text, time) => {
  expect(parseTime(text)).toBe(time);
});

it.each([
  '',
  'yesterday',
  '1',
  'infinity',
  '0000-00-00',
  '2026-11-20',
  '2026-11-20T08:30:00',
  '2026-11-20 08:30:00Z',
  '2026-02-30T00:00:00Z',
  '2025-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-11-20T25:00:00Z',
  '2026-11-20T08:30:00+15:00',
  '+275760-09-13T00:00:00Z',
  'Fri, 20 Nov 2026 08:30:00 GMT',
])('%j is none', (text) => {
  expect(parseTime(text)).toBeUndefined();
});

it('a time is written as Date writes it, in whatever order the days come', () => {
  const days = [
    0, 1, 86_399_999, 86_400_000, 1_796_046_589_030, 1_796_046_589_123.9, -1, 253_402_300_800_000, -62_198_755_200_000,
  ];
  const within = [0, 7, 45, 999, 59_999, 3_600_000, 43_265_017, 86_399_999];
  for (const day of [...days, ...days]) {
    for (const more of within) expect(isoOf(day + more)).toBe(new Date(day + more).toISOString());
  }
  for (const never of [Number.NaN, 9e15, 9e15]) expect(() => isoOf(never)).toThrow(RangeError);
});
