import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CaseKey } from '../store/port.js';
import { LOOK_BACK_MS, LostEvents } from './lost-events.js';

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined })); // the time that others are given

// A look ends when its time is over: only where a test says so does any time pass.
let now = 0;
beforeEach(() => {
  now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => {
  vi.restoreAllMocks();
});

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

/** The newest first. */
const ids = (found: readonly CaseKey[]) => found.map(({ caseId }) => Number(caseId)).sort((a, b) => b - a);

const look = (search: LostEvents, to: number) => search.before(to);

it('the first look goes back for a day, the newest first, without a hole', async () => {
  const { search, asked } = searchOf([]);
  expect(await look(search, NOW)).toEqual([]);
  expect(asked.at(0)?.[1]).toBe(NOW);
  expect(asked.at(-1)?.[0]).toBe(NOW - LOOK_BACK_MS);
  for (const [i, [from]] of asked.entries()) if (i + 1 < asked.length) expect(asked[i + 1]?.[1]).toBe(from);
});

it('what was lost is found, and looked for again until it is not lost any more', async () => {
  const times = [NOW - 20 * HOUR, NOW - 50_000, NOW - 5];
  const { search } = searchOf(times);
  expect(ids(await look(search, NOW))).toEqual([NOW - 5, NOW - 50_000, NOW - 20 * HOUR]);
  expect(ids(await look(search, NOW + 60_000))).toEqual([NOW - 5, NOW - 50_000, NOW - 20 * HOUR]);
  times.length = 0;
  expect(await look(search, NOW + 120_000)).toEqual([]);
});

it('where nothing was lost nobody looks again', async () => {
  const { search, asked } = searchOf([]);
  await look(search, NOW);
  asked.length = 0;
  await look(search, NOW + 60_000);
  expect(asked).toEqual([[NOW, NOW + 60_000]]);
});

it('what came to be after the end of a look is looked for by the next one', async () => {
  const times = [NOW - 1_000];
  const { search, asked } = searchOf(times);
  await look(search, NOW - 2_000);
  asked.length = 0;
  expect(ids(await look(search, NOW + 60_000))).toEqual([NOW - 1_000]);
  expect(asked).toEqual([[NOW - 2_000, NOW + 60_000]]);
});

it('no more are looked for than can be sent again in one round', async () => {
  const { search } = searchOf([NOW - 1, NOW - 2, NOW - HOUR, NOW - 2 * HOUR], 3);
  expect(ids(await look(search, NOW))).toEqual([NOW - 1, NOW - 2, NOW - HOUR]);
  expect(ids(await look(search, NOW))).toEqual([NOW - 1, NOW - 2, NOW - HOUR]);
});

it('what is too much for one question is asked in smaller ones', async () => {
  const asked: [from: number, to: number][] = [];
  const search = new LostEvents(async (from, to) => {
    asked.push([from, to]);
    return to - from > 10_000 ? null : [];
  }, 10);
  await look(search, NOW);
  asked.length = 0;
  await look(search, NOW + 60_000);
  const answered = asked.filter(([from, to]) => to - from <= 10_000);
  expect(answered.length).toBeLessThan(asked.length);
  expect(answered.at(0)?.[1]).toBe(NOW + 60_000);
  for (const [i, [from]] of answered.entries()) if (i + 1 < answered.length) expect(answered[i + 1]?.[1]).toBe(from);
});

describe('where each piece is slow', () => {
  let costMs = 50;

  function slowSearch() {
    const asked: [from: number, to: number][] = [];
    const search = new LostEvents(async (from, to) => {
      now += costMs;
      asked.push([from, to]);
      return [];
    }, 10);
    return { search, asked };
  }

  it('a look ends when its time is over, and the next ones go on behind what is new', async () => {
    costMs = 100;
    const { search, asked } = slowSearch();
    await look(search, NOW);
    expect(asked.length).toBe(3);
    const reached = asked.at(-1)?.[0] as number;
    asked.length = 0;
    costMs = 1;
    await look(search, NOW + 60_000);
    expect(asked.filter(([, to]) => to > NOW).at(-1)?.[0]).toBe(NOW);
    expect(asked.find(([, to]) => to <= NOW)?.[1]).toBe(reached);
    expect(asked.at(-1)?.[0]).toBe(NOW - LOOK_BACK_MS);
  });

  it('an hour without time for the search leaves a few spans, and no hole', async () => {
    costMs = 600;
    const { search, asked } = slowSearch();
    for (let minute = 0; minute < 200; minute++) await look(search, NOW + minute * 60_000);
    asked.length = 0;
    costMs = 1;
    await look(search, NOW + 200 * 60_000);
    await look(search, NOW + 200 * 60_000);
    expect(asked.length).toBeLessThan(2_000);
    expect(asked.at(-1)?.[0]).toBe(NOW - LOOK_BACK_MS);
    expect(asked.some(([from, to]) => from <= NOW + 30_000 && NOW + 30_000 < to)).toBe(true);
  });

  it('after quiet hours a slow piece is followed by shorter ones', async () => {
    costMs = 0;
    const { search, asked } = slowSearch();
    for (let minute = 0; minute < 200; minute++) await look(search, NOW + minute * 60_000);
    costMs = 50;
    asked.length = 0;
    await look(search, NOW + 201 * 60_000);
    await look(search, NOW + 202 * 60_000);
    expect(asked.slice(0, 3).map(([from, to]) => to - from)).toEqual([120_000, 30_000, 7_500]);
  });
});
