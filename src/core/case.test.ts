import { expect, it } from 'vitest';
import { CASE_STATUSES, type CaseStatus, canMove, isClosed, SECTIONS } from './case.js';

/** Every arrow of the life of a case, drawn once more by hand. */
const ARROWS = `
  OPEN > NORMALIZED WAITING RESOLVED CANCELED ESCALATED
  NORMALIZED > TRIAGED RESOLVED CANCELED ESCALATED
  TRIAGED > EVALUATED WAITING SUPPRESSED RESOLVED CANCELED ESCALATED
  EVALUATED > RUNNING WAITING RESOLVED ESCALATED CANCELED
  RUNNING > WAITING RESOLVED ESCALATED CANCELED
  WAITING > NORMALIZED RUNNING RESOLVED ESCALATED SUPPRESSED CANCELED
  ESCALATED > NORMALIZED RESOLVED CANCELED`;
const allowed = new Set(
  ARROWS.trim()
    .split('\n')
    .flatMap((line) => {
      const [from, to] = line.split('>') as [string, string];
      return to
        .trim()
        .split(' ')
        .map((status) => `${from.trim()} > ${status}`);
    }),
);
const pairs = CASE_STATUSES.flatMap((from) => CASE_STATUSES.map((to) => [from, to] as const));

it.each(pairs)('a case may go from %s to %s only along an arrow', (from, to) => {
  expect(canMove(from, to)).toBe(from === to || allowed.has(`${from} > ${to}`));
});

it('every status can be reached from OPEN, and a person can bring every one to an end', () => {
  const reach = (start: CaseStatus): Set<CaseStatus> => {
    const found = new Set<CaseStatus>([start]);
    for (const from of found) for (const to of CASE_STATUSES) if (canMove(from, to)) found.add(to);
    return found;
  };
  expect([...reach('OPEN')].sort()).toEqual([...CASE_STATUSES].sort());
  for (const status of CASE_STATUSES) expect([...reach(status)].some(isClosed), status).toBe(true);
});

it('an escalated case is still open; a closed one goes nowhere', () => {
  const closed = ['RESOLVED', 'SUPPRESSED', 'CANCELED'];
  expect(CASE_STATUSES.filter(isClosed)).toEqual(closed);
  const ends = CASE_STATUSES.filter((from) => CASE_STATUSES.every((to) => from === to || !canMove(from, to)));
  expect(ends).toEqual(closed);
});

it('each section is named once', () => {
  expect(new Set(SECTIONS).size).toBe(SECTIONS.length);
});
