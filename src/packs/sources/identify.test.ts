import { describe, expect, it } from 'vitest';
import { packOf, scopeOf } from '../../testing/packs.js';
import { decideTriage } from '../triage/decide.js';
import { identifyItem, splitSource } from './split.js';

const AT = '2026-11-20T10:00:00.000Z';
const pack = packOf({
  'sources.yaml': `
sources:
  breaks:
    kind: json
    map: { type: "\${{ item.kind }}", entity: "\${{ item.id }}", fields: { desk: "\${{ body.desk }}", by: "\${{ headers['x-by'] }}" } }
    fingerprint: [type, entity]
    resolve: item.status == 'over'
accumulate:
  - when: exception.type == 'CRASH'
    by: [exception.entity]
    window: 30s
`,
  'triage.yaml': `triage: [{ name: many, when: size(exception.items) > 1, set: { category: many } }]`,
});

describe('an item that was kept is identified again', () => {
  it('as the request that brought it was, with what was kept of that', () => {
    const item = { kind: 'FAIL', id: 'T-1', status: 'over' };
    const rest = { body: { desk: 'fx' }, headers: { 'x-by': 'ann' } };
    const [first] = splitSource(pack, 'breaks', { body: item, headers: {}, receivedAt: AT }).items;
    expect(identifyItem(pack, 'breaks', { item, ...rest }, AT)).toMatchObject({
      fingerprint: first?.fingerprint,
      resolve: true,
    });
    expect(identifyItem(pack, 'breaks', { item }, AT).fingerprint).toBe(first?.fingerprint);
  });

  it('with the group that gathers it, where it can be read', () => {
    expect(identifyItem(pack, 'breaks', { item: { kind: 'CRASH', id: 'n-1' } }, AT).accumulate).toBeDefined();
    expect(identifyItem(pack, 'breaks', { item: { kind: 'FAIL', id: 'n-1' } }, AT).accumulate).toBeUndefined();
    expect(identifyItem(pack, 'breaks', { item: { id: 'n-1' } }, AT).accumulate).toBeUndefined();
  });

  it('as nothing, where the pack has no such source', () => {
    expect(identifyItem(pack, 'gone', { item: {} }, AT)).toEqual({ fingerprint: null, resolve: false });
  });
});

it('rules see the items that were gathered; without any the list is empty', () => {
  const own = { type: 'CRASH', title: 'n-1', severity: 'low', entity: null, source: 'breaks' } as const;
  const item = { ...own, occurredAt: AT, fingerprint: 'f', fields: {}, count: 1 };
  expect(decideTriage(pack, scopeOf({ items: [item, item] })).category).toBe('many');
  expect(decideTriage(pack, scopeOf()).category).toBe('unknown');
});
