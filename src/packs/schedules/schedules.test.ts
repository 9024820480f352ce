import { describe, expect, it } from 'vitest';
import { codesOf, packOf } from '../../testing/packs.js';
import { decideDue, nextDue, normalizeItem, scheduledItem, specOf } from '../index.js';
import type { CompiledSchedule } from '../types.js';

const one = (words: string): CompiledSchedule => {
  const pack = packOf({ 'sources.yaml': `schedules:\n  - { name: nightly, type: RECONCILE, ${words} }\n` });
  return pack.schedules[0] as CompiledSchedule;
};
const at = (text: string): number => Date.parse(text);
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

describe('the next time of a schedule', () => {
  it.each([
    ['every evening, by the clock of the place', '0 22 * * *', '2026-01-10T12:00:00Z', '2026-01-10T21:00:00.000Z'],
    ['in summer an hour earlier by UTC', '0 22 * * *', '2026-07-10T12:00:00Z', '2026-07-10T20:00:00.000Z'],
    ['a time that the change to summer time skips', '30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['and the day after, as usual', '30 2 * * *', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00.000Z'],
    [
      'a time that comes twice in autumn, the first time',
      '30 2 * * *',
      '2026-10-24T12:00:00Z',
      '2026-10-25T00:30:00.000Z',
    ],
    ['and not the second time', '30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00.000Z'],
  ])('%s', (_, cron, after, next) => {
    expect(iso(nextDue(one(`cron: "${cron}", tz: Europe/Zurich`), at(after)))).toBe(next);
  });

  it('a full hour comes 25 times on the day that has 25', () => {
    const hourly = one('cron: "0 * * * *", tz: Europe/Zurich');
    let time = at('2026-10-24T21:59:59Z');
    let count = 0;
    for (;;) {
      time = nextDue(hourly, time) ?? Number.NaN;
      if (!(time < at('2026-10-25T23:00:00Z'))) break;
      count++;
    }
    expect(count).toBe(25);
  });
});

describe('a time that has come', () => {
  const every = one('cron: "*/10 * * * *"');
  it('is reported, and the next one is known', () => {
    const due = at('2026-11-20T10:00:00Z');
    expect(decideDue(every, due, due + 300)).toEqual({
      fire: { dueAt: due, missed: 0 },
      next: at('2026-11-20T10:10:00Z'),
    });
  });

  it('after an outage the last one is made up for, with the count of the others', () => {
    const decided = decideDue(every, at('2026-11-20T10:00:00Z'), at('2026-11-20T10:45:00Z'));
    expect(decided).toEqual({
      fire: { dueAt: at('2026-11-20T10:40:00Z'), missed: 4 },
      next: at('2026-11-20T10:50:00Z'),
    });
  });

  it('after an outage nothing is made up for where the pack says so; what is only just late still is', () => {
    const strict = one('cron: "*/10 * * * *", missed: none');
    const [due, late] = [at('2026-11-20T10:00:00Z'), at('2026-11-20T10:09:00Z')];
    expect(decideDue(strict, due, late)).toEqual({ fire: null, next: at('2026-11-20T10:10:00Z') });
    expect(decideDue(strict, due, due + 59_000).fire).toEqual({ dueAt: due, missed: 0 });
  });

  it('a long outage is not counted to its end', () => {
    const minutely = one('cron: "* * * * *"');
    const decided = decideDue(minutely, at('2026-01-01T00:00:00Z'), at('2026-11-20T10:00:30Z'));
    expect(decided.fire).toEqual({ dueAt: at('2026-11-20T10:00:00Z'), missed: 1_000 });
    expect(iso(decided.next)).toBe('2026-11-20T10:01:00.000Z');
  });

  it('that was the last one has no next', () => {
    const schedule = { ...every, times: { next: () => undefined, previous: () => undefined } };
    expect(decideDue(schedule, at('2026-11-20T10:00:00Z'), at('2026-11-20T10:00:01Z')).next).toBeNull();
  });
});

it('the exception of a schedule says which one and when, beside what the pack says', () => {
  const text = `schedules:
  - name: nightly
    cron: "0 22 * * *"
    tz: Europe/Zurich
    type: RECONCILE
    severity: low
    title: "Reconcile \${{ schedule.dueAt }}"
    fields: { book: rates, missed: 99 }
`;
  const pack = packOf({ 'sources.yaml': text });
  const [schedule] = pack.schedules as [CompiledSchedule];
  expect(specOf(schedule)).toBe('0 22 * * * Europe/Zurich');
  const item = scheduledItem(schedule, { dueAt: at('2026-11-20T21:00:00Z'), missed: 2 });
  const exception = normalizeItem(pack, 'generic', { item, fingerprint: 'f', resolve: false }, '2026-11-20T21:00:00Z');
  expect(exception).toMatchObject({
    ...{ type: 'RECONCILE', severity: 'low', title: 'Reconcile 2026-11-20T21:00:00.000Z', source: 'schedule' },
    fields: { book: 'rates', schedule: 'nightly', dueAt: '2026-11-20T21:00:00.000Z', missed: 2 },
  });
});

describe('a schedule with mistakes', () => {
  it.each([
    ['{ name: a, cron: "0 0 * * *" }', ['2:5 FIELD_MISSING']],
    ['{ name: a, type: T, cron: "0 0 * *" }', ['2:31 CRON_INVALID']],
    ['{ name: a, type: T, cron: "61 0 * * *" }', ['2:31 CRON_INVALID']],
    ['{ name: a, type: T, cron: "* * * * * *" }', ['2:31 CRON_INVALID']],
    ['{ name: a, type: T, cron: "0 0 31 2 *" }', ['2:31 CRON_INVALID']],
    ['{ name: a, type: T, cron: "0 0 * * *", tz: Europe/Zuric }', ['2:48 ZONE_UNKNOWN']],
    ['{ name: a, type: T, cron: "0 0 * * *", severity: hihg }', ['2:54 VALUE_UNKNOWN']],
    ['{ name: a, type: T, cron: "0 0 * * *", overlap: kill }', ['2:53 VALUE_UNKNOWN']],
    [`{ name: a, type: T, cron: "0 0 * * *", title: "\${{ exception.type }}" }`, ['2:56 EXPR_UNKNOWN']],
    [
      '{ name: a, type: T, cron: "0 0 * * *" }\n  - { name: a, type: T, cron: "0 0 * * *" }',
      ['3:13 SCHEDULE_DUPLICATE'],
    ],
    ['nightly', ['2:5 VALUE_TYPE']],
  ])('%s is told with its place', (text, codes) => {
    const found = codesOf({ 'sources.yaml': `schedules:\n  - ${text}\n` });
    expect(found).toEqual(codes.map((code) => `sources.yaml:${code}`));
  });

  it('a severity may be an expression', () => {
    expect(
      one(`cron: "0 0 * * *", severity: "\${{ schedule.missed > 0 ? 'high' : 'low' }}"`).item.has('severity'),
    ).toBe(true);
  });
});
