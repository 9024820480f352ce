/** What the tests of expressions share: a library with one table, a compiler for each kind of place, and values. */
import { createScopeCompiler } from '../packs/expressions/compile.js';
import { createLibrary } from '../packs/expressions/library.js';
import { policyShape, SOURCE_SHAPE, stepShape } from '../packs/expressions/scope.js';
import type { Table } from '../packs/types.js';

const owners: Table = {
  name: 'owners',
  columns: ['counterparty', 'desk'],
  rows: new Map([
    ['ACME', { counterparty: 'ACME', desk: 'rates' }],
    ['7', { counterparty: '7', desk: 'fx' }],
  ]),
  emptyRow: { counterparty: '', desk: '' },
};
export const library = createLibrary(new Map([['owners', owners]]));
export const policy = createScopeCompiler(library, policyShape(['owner']));
export const step = createScopeCompiler(library, stepShape([], ['look', 'ok']));
export const source = createScopeCompiler(library, SOURCE_SHAPE);

export const scope = {
  exception: {
    type: 'SETTLEMENT_FAIL',
    title: 'Trade T-1 failed',
    severity: 'high',
    entity: null,
    source: 'trades',
    occurredAt: '2026-11-20T10:00:00.000Z',
    fingerprint: 'f',
    fields: {
      amount: 250_000,
      n: 4,
      text: 'abc',
      list: [1, 2],
      'odd key': 1,
      none: null,
      tags: [{ names: ['a'] }, { names: ['b'] }],
      counterparty: 'ACME',
    },
  },
  seen: { count: 2, first: '2026-11-20T10:00:00.000Z', last: '2026-11-20T10:00:00.000Z' },
  triage: { category: 'settlement', severity: 'high', confidence: 0.9, labels: ['big'], by: 'rules', owner: 'x' },
  tenant: 'demo',
  now: new Date('2026-11-20T12:00:00Z'),
};
