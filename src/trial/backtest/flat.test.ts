/** What a backtest keeps depends on what goes on at a time, not on how long the past is. */
import { expect, it } from 'vitest';
import { edited, live, MINUTE, T0, written } from '../../testing/past.js';
import { Backtest } from './backtest.js';

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What is kept, at the most, in each quarter of ten days with a report every ten minutes, none of them twice. */
function keptInQuarters(changes: Parameters<typeof edited>[0]): Record<string, number>[] {
  const active = written(edited(changes));
  const candidate = written(edited([...changes, ['triage.yaml', 'amount > 1000', 'amount > 500']]));
  const past = live(active, 1_440, 5, { everyMs: 10 * MINUTE, quiet: true });
  const range = { tenant: 'acme', since: T0, until: T0 + 11 * DAY, limit: 10 };
  const run = new Backtest({ ...range, active: { ...active, version: 1 }, candidate });
  const quarters: Record<string, number>[] = [{}, {}, {}, {}];
  for (let at = 0; at < past.length; at += 10) {
    run.feed({ cases: past.slice(at, at + 10), versions: new Map([[1, active]]) });
    const quarter = quarters[Math.floor((4 * at) / past.length)] ?? {};
    for (const [what, count] of Object.entries(run.kept)) quarter[what] = Math.max(count, quarter[what] ?? 0);
  }
  expect(run.finish(true).changed).toBeGreaterThan(10);
  return quarters;
}

/** What is let go now and then varies a little. */
const about = (before = 0): number => before * 1.2 + 3;

it('keeps no more after ten days than after some, where the pack looks back a day', () => {
  const [, second = {}, , last = {}] = keptInQuarters([['triage.yaml', 'seen.count > 4', 'seen.in24h > 4']]);
  expect(Object.keys(last)).toEqual(expect.arrayContaining(['past', 'due', 'active.open', 'candidate.recent']));
  for (const [what, count] of Object.entries(last)) expect(count, what).toBeLessThanOrEqual(about(second[what]));
  expect(last['active.older']).toBe(0);
  expect(last['active.recent']).toBeLessThan(200); // a day, and the hour until it is swept
});

it('keeps of what was not reported for a day its count and its times, where the pack asks how often in all', () => {
  const quarters = keptInQuarters([]);
  const [, second = {}, , last = {}] = quarters;
  for (const [what, count] of Object.entries(last)) {
    if (!what.endsWith('.older')) expect(count, what).toBeLessThanOrEqual(about(second[what]));
  }
  expect(last['active.older']).toBeGreaterThan(second['active.older'] ?? 0);
});
