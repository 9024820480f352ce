/** How often fingerprints were reported: what is forgotten no condition could have seen. */
import { describe, expect, it } from 'vitest';
import { DAY_MS, extended, type History, lookBackOf, occurrences, REMEMBERED_MS } from '../core/history.js';
import type { Occurrences } from '../core/records.js';
import { Histories } from './histories.js';
import { Totals } from './totals.js';

const T0 = Date.UTC(2026, 10, 1);
const HOUR = 3_600_000;

/** Reports of forty fingerprints over ten weeks, some often, some after days or a month, with what a full memory tells of each. */
function* reports(): Generator<{ fingerprint: string; count: number; at: number; told: Occurrences }> {
  const all = new Map<string, History>();
  let state = 5;
  const below = (n: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * n);
  };
  for (let at = T0; at < T0 + 70 * DAY_MS; at += below(3 * HOUR)) {
    const fingerprint = `f-${below(below(2) === 0 ? 4 : 40)}`;
    if (fingerprint === 'f-0' && Math.floor((at - T0) / (35 * DAY_MS)) === 0) continue; // silent for a month
    const known = all.get(fingerprint);
    const history = extended(known && known.last >= at - REMEMBERED_MS ? known : undefined, 1 + below(3), at);
    const count = history.count - (known && known.last >= at - REMEMBERED_MS ? known.count : 0);
    all.set(fingerprint, history);
    yield { fingerprint, count, at, told: occurrences(history, at) };
  }
}

describe('histories of fingerprints', () => {
  it('tell what a memory that forgets nothing for a month tells', () => {
    const histories = new Histories();
    let most = 0;
    for (const { fingerprint, count, at, told } of reports()) {
      expect(histories.add(fingerprint, count, at)).toEqual(told);
      most = Math.max(most, told.count);
    }
    expect(most).toBeGreaterThan(100);
    expect(histories.kept.recent).toBeLessThan(41);
  });

  it.each([
    ['seen.in1h', ['in1h', 'last']],
    ['seen.in24h', ['in1h', 'in24h', 'last']],
  ] as const)('tell %s right where nothing else is read, and keep nothing older', (name, words) => {
    const histories = new Histories(lookBackOf(name));
    for (const { fingerprint, count, at, told } of reports()) {
      const found = histories.add(fingerprint, count, at);
      for (const word of words) expect(found[word]).toBe(told[word]);
    }
    expect(histories.kept.older).toBe(0);
  });

  it('begin anew after a month without a report', () => {
    const histories = new Histories();
    histories.add('f', 5, T0);
    expect(histories.add('f', 1, T0 + REMEMBERED_MS)).toMatchObject({ count: 6, first: '2026-11-01T00:00:00.000Z' });
    expect(histories.add('f', 1, T0 + 2 * REMEMBERED_MS + 1)).toMatchObject({ count: 1, in24h: 1 });
  });
});

describe('totals', () => {
  it('keep thousands of texts apart, each with its last figures', () => {
    const totals = new Totals();
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < 5_000; i++) totals.set(`f-${i}`, { count: i + round, first: T0 + i, last: T0 + 2 * i }, 0);
    }
    expect(totals.size).toBe(5_000);
    for (let i = 0; i < 5_000; i++)
      expect(totals.get(`f-${i}`)).toEqual({ count: i + 2, first: T0 + i, last: T0 + 2 * i });
    expect(totals.get('f-5000')).toBeUndefined();
    expect(new Totals().get('f')).toBeUndefined();
  });

  it('let go of what is too old when they need room', () => {
    const totals = new Totals();
    for (let i = 0; i < 100_000; i++) totals.set(`f-${i}`, { count: 1, first: i, last: i }, i - 500);
    expect(totals.size).toBeLessThan(1_000);
    expect(totals.get('f-99999')).toEqual({ count: 1, first: 99_999, last: 99_999 });
    expect(totals.get('f-5')).toBeUndefined();
  });
});
