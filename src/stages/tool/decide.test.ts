import { expect, it } from 'vitest';
import { DATA } from '../../testing/sample-events.js';
import { caseOf, eventOf } from '../../testing/walk.js';
import { decide } from './decide.js';

const requested = eventOf('ToolRequested', DATA.ToolRequested);

it.each([
  [undefined, 3],
  [1, 1],
  [5, 5],
] as const)(
  'a requested call is written on the ledger as it was asked for, with the priority %s as %i',
  (asked, priority) => {
    const data = { ...DATA.ToolRequested, ...(asked !== undefined && { priority: asked }) };
    expect(decide(caseOf({ status: 'RUNNING' }), eventOf('ToolRequested', data))).toEqual({
      kind: 'advance',
      executions: [{ ...DATA.ToolRequested, priority }],
    });
  },
);

it.each(['RESOLVED', 'SUPPRESSED', 'CANCELED'] as const)(
  'a call for a case that is %s is not made any more',
  (status) => {
    expect(decide(caseOf({ status }), requested)).toEqual({ kind: 'ignore', reason: `the case is closed: ${status}` });
  },
);

it.each(['RUNNING', 'CANCELED'] as const)('a canceled call of a case that is %s is taken off the ledger', (status) => {
  const { executionId } = DATA.ToolCanceled;
  const outcome = decide(caseOf({ status }), eventOf('ToolCanceled', DATA.ToolCanceled));
  expect(outcome).toEqual({ kind: 'advance', cancelExecutions: [executionId] });
});
