import { expect, it, vi } from 'vitest';
import type { CaseKey } from '../store/port.js';
import { LOOK_BACK_MS, LostEvents } from './lost-events.js';

const NOW = 1_000 * LOOK_BACK_MS;
const HOUR = 3_600_000;

/** A search over events that were lost at these times; `asked` are the pieces of time that it looked at. */
function searchOf(times: number[], most = 10) {
  const asked: [from: number, to: number][] = [];
  const find = async (from: number, to: number, limit: number): Promise<CaseKey[]> => {
    asked.push([from, to]);
    return times
      .filter((time) => time >= from && time < to)
      .slice(0, limit)
      .map((time) => ({ tenantId: 'acme', caseId: String(time) }));
  };
  return { search: new LostEvents(find, most), asked };
}

const ids = (found: readonly CaseKey[]) => found.map(({ caseId }) => Number(caseId));

it('the first look goes back for a day, the newest first, without a hole', async () => {
  const { search, asked } = searchOf([]);
  expect(await search.before(NOW)).toEqual([]);
  expect(asked.at(0)?.[1]).toBe(NOW);
  expect(asked.at(-1)?.[0]).toBe(NOW - 60_000 - LOOK_BACK_MS + 60_000);
  for (const [i, [from]] of asked.entries()) if (i + 1 < asked.length) expect(asked[i + 1]?.[1]).toBe(from);
});

it('what was lost hours ago is found, and looked for again until it is not lost any more', async () => {
  const times = [NOW - 20 * HOUR, NOW - 5];
  const { search } = searchOf(times);
  expect(ids(await search.before(NOW))).toEqual([NOW - 5, NOW - 20 * HOUR]);
  expect(ids(await search.before(NOW + 60_000))).toContain(NOW - 20 * HOUR);
  times.length = 0;
  expect(await search.before(NOW + 120_000)).toEqual([]);
});

it('the day before is looked through once, what is new at every look', async () => {
  const { search, asked } = searchOf([]);
  await search.before(NOW);
  search.checked(NOW);
  asked.length = 0;
  await search.before(NOW + 60_000);
  expect(asked).toEqual([[NOW, NOW + 60_000]]);
});

it('what was not said to be checked is looked at again', async () => {
  const { search, asked } = searchOf([NOW - 1_000]);
  await search.before(NOW);
  search.checked(NOW - 2_000);
  asked.length = 0;
  expect(ids(await search.before(NOW + 60_000))).toEqual([NOW - 1_000]);
});

it('no more are looked for than can be sent again in one round', async () => {
  const { search } = searchOf([NOW - 1, NOW - 2, NOW - HOUR, NOW - 2 * HOUR], 3);
  expect(ids(await search.before(NOW))).toEqual([NOW - 1, NOW - 2, NOW - HOUR]);
});

it('what was lost in the last minute is looked for until it is said to be checked', async () => {
  const { search } = searchOf([NOW - 50_000]);
  expect(ids(await search.before(NOW))).toEqual([NOW - 50_000]);
  expect(ids(await search.before(NOW + 60_000))).toEqual([NOW - 50_000]);
  expect(ids(await search.before(NOW + 120_000))).toEqual([NOW - 50_000]);
});

it('what is not said to be checked of the day before is looked through again', async () => {
  const { search, asked } = searchOf([]);
  await search.before(NOW); // an event of that day is still in the outbox, say, and others were lost
  asked.length = 0;
  await search.before(NOW + 60_000);
  expect(asked.at(-1)?.[0]).toBe(NOW - LOOK_BACK_MS);
});

it('after quiet hours a slow piece is followed by shorter ones', async () => {
  let now = 0;
  let costMs = 0;
  const widths: number[] = [];
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const search = new LostEvents(async (from, to) => {
    now += costMs;
    widths.push(to - from);
    return [];
  }, 10);
  for (let minute = 0; minute < 200; minute++) {
    await search.before(NOW + minute * 60_000);
    search.checked(NOW + minute * 60_000);
  }
  costMs = 50;
  widths.length = 0;
  await search.before(NOW + 201 * 60_000);
  await search.before(NOW + 201 * 60_000);
  clock.mockRestore();
  expect(widths.slice(0, 3)).toEqual([120_000, 30_000, 7_500]);
});
