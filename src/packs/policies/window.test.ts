import { describe, expect, it } from 'vitest';
import { codesOf, packOf, policyScopeOf, problemsOf } from '../../testing/packs.js';
import { decidePolicy } from './decide.js';

const files = (policy: string) => ({ 'policies.yaml': `default: { effect: allow }\npolicies:\n  - ${policy}\n` });
const at = (time: string) => ({ ...policyScopeOf(), now: Date.parse(time) });
const inWindow = (window: string, ...times: string[]) => {
  const pack = packOf(files(`{ name: freeze, window: ${window}, effect: deny }`));
  return times.map((time) => decidePolicy(pack, at(time)).effect === 'deny');
};

describe('a window', () => {
  it('begins at a time of its cron pattern and lasts as long as it says, in its zone', () => {
    const friday = '{ cron: "0 22 * * 5", for: 4h, tz: Europe/Zurich }'; // 21:00 to 01:00 UTC in winter
    expect(
      inWindow(friday, '2026-11-20T20:59:59Z', '2026-11-20T21:00:00Z', '2026-11-21T00:59:59Z', '2026-11-21T01:00:00Z'),
    ).toEqual([false, true, true, false]);
    expect(inWindow('{ cron: "0 22 * * 5", for: 4h }', '2026-11-20T21:30:00Z', '2026-11-20T22:00:30Z')).toEqual([
      false,
      true,
    ]);
  });

  it('the trace tells the window that it was in, or that it was in none', () => {
    const pack = packOf(files('{ name: freeze, window: { cron: "0 0 28-31 * *", for: 24h }, effect: deny }'));
    const from = Date.parse('2026-11-28T00:00:00Z');
    expect(decidePolicy(pack, at('2026-11-28T10:00:00Z')).explain).toEqual([
      {
        ...{ name: 'freeze', place: 'policies.yaml:3:5', matched: true, effect: 'deny' },
        window: { from, until: from + 86_400_000 },
      },
    ]);
    expect(decidePolicy(pack, at('2026-11-20T10:00:00Z')).explain[0]?.falsePart).toEqual({
      expression: 'window 0 0 28-31 * * for 24h UTC',
      values: { now: '2026-11-20T10:00:00.000Z' },
    });
  });

  it('asked about the past after the future, it still knows', () => {
    const times = ['2026-11-21T12:30:00Z', '2026-11-20T12:30:00Z', '2026-11-20T13:30:00Z', '2026-11-21T12:59:00Z'];
    expect(inWindow('{ cron: "0 12 * * *", for: 1h }', ...times)).toEqual([true, true, false, true]);
  });

  it('a time that the clocks leave out in spring begins when they go on', () => {
    const night = '{ cron: "30 2 * * *", for: 1h, tz: Europe/Zurich }'; // on 29 March 2026, 02:00 is 03:00
    const times = ['2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:59:00Z', '2026-03-29T02:00:00Z'];
    expect(inWindow(night, ...times)).toEqual([false, true, true, false]);
  });

  it('a time that comes twice in autumn begins one window, and an hour lasts an hour', () => {
    const night = '{ cron: "30 2 * * *", for: 1h, tz: Europe/Zurich }'; // on 25 October 2026, 02:30 is twice
    const times = ['2026-10-25T00:30:00Z', '2026-10-25T01:29:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:15:00Z'];
    expect(inWindow(night, ...times)).toEqual([true, true, false, false]);
  });

  it('a window that has never been yet is not now', () => {
    expect(inWindow('{ cron: "0 0 29 2 *", for: 1h }', '0001-01-01T00:00:00Z')).toEqual([false]);
  });

  it('the last window that will ever be is one', () => {
    const leap = '{ cron: "0 0 29 2 *", for: 1h }';
    expect(inWindow(leap, '9996-02-29T00:30:00Z', '9999-12-31T23:59:00Z')).toEqual([true, false]);
  });
});

describe('a window is checked', () => {
  const window = (text: string) => files(`{ name: a, window: ${text}, effect: deny }`);
  it.each([
    ['{ cron: "0 0 * *", for: 1h }', '3:32 CRON_INVALID'],
    ['{ cron: "70 0 * * *", for: 1h }', '3:32 CRON_INVALID'],
    ['{ cron: "0 0 30 2 *", for: 1h }', '3:32 CRON_INVALID'],
    ['{ cron: "0 0 * * *", for: 1h, tz: Europe/Zurick }', '3:58 ZONE_UNKNOWN'],
    ['{ cron: "0 0 * * *", for: 1h, tz: "" }', '3:58 ZONE_UNKNOWN'],
    ['{ cron: "0 0 * * *", for: 1h, tz: 5 }', '3:58 VALUE_TYPE'],
    ['{ cron: "0 0 * * *", for: soon }', '3:50 DURATION_INVALID'],
    ['{ cron: "0 0 * * *" }', '3:24 FIELD_MISSING'],
    ['nightly', '3:24 VALUE_TYPE'],
  ])('%s → %s', (text, code) => {
    expect(codesOf(window(text))).toEqual([`policies.yaml:${code}`]);
  });
  it('a zone that is nearly one comes with the one that was meant', () => {
    const [problem] = problemsOf(window('{ cron: "0 0 * * *", for: 1h, tz: Europe/Zurick }'));
    expect(problem?.hint).toBe('Did you mean `Europe/Zurich`?');
    const [other] = problemsOf(window('{ cron: "0 0 * * *", for: 1h, tz: "" }'));
    expect(other?.hint).toBe('Write it like `Europe/Zurich` or `UTC`.');
  });
});
