import { expect, it } from 'vitest';
import { parseDuration } from './duration.js';

it.each([
  ['100ms', 100],
  ['30s', 30_000],
  ['2m', 120_000],
  ['4h', 14_400_000],
  ['1d', 86_400_000],
])('%s is %i milliseconds', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['-5m', '1y1y', '', '5', 's', '1.5h', '1h30m', '0s', ' 1s', '1 s', '99999d', '1H'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);
