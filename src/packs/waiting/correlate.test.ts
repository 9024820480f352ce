import { describe, expect, it } from 'vitest';
import { codesOf, packOf, scopeOf } from '../../testing/packs.js';
import { findIncident, normalizeItem } from '../index.js';

const sources = (text: string) => packOf({ 'sources.yaml': text });
const RULES = `
correlate:
  - name: one a counterparty
    when: exception.type == 'SETTLEMENT_FAIL'
    by: [exception.fields.counterparty, exception.fields.ccy]
    window: 30m
    min: 2
    type: COUNTERPARTY_TROUBLE
    title: "\${{ exception.fields.counterparty }} does not settle"
    run: both
    resolve: last
  - { by: [exception.fields.region], window: 1m }`;

describe('a rule of `correlate`', () => {
  const pack = sources(RULES);
  const find = (type: string, fields: Record<string, unknown>) => findIncident(pack, scopeOf({ type, fields }));

  it('says what it groups and how', () => {
    expect(pack.correlates).toMatchObject([
      {
        ...{ name: 'one a counterparty', place: 'sources.yaml:3:5', windowMs: 1_800_000, min: 2, run: 'both' },
        ...{ resolve: 'last', type: 'COUNTERPARTY_TROUBLE' },
      },
      { name: 'everything', windowMs: 60_000, min: 1, run: 'parent', resolve: 'all', type: 'Incident', title: null },
    ]);
  });

  it('takes what matches, with the values that it has in common with others', () => {
    const { joining, explain } = find('SETTLEMENT_FAIL', { counterparty: 'ACME', ccy: 'CHF' });
    expect(explain).toEqual([{ name: 'one a counterparty', place: 'sources.yaml:3:5', matched: true }]);
    expect(joining?.terms).toMatchObject({
      rule: 'one a counterparty',
      by: ['ACME', 'CHF'],
      run: 'both',
      packVersion: 7,
    });
    expect(joining?.report).toMatchObject({
      ...{ type: 'COUNTERPARTY_TROUBLE', title: 'ACME does not settle', entity: 'ACME, CHF' },
      fields: { counterparty: 'ACME', ccy: 'CHF' },
    });
    expect(joining?.at).toBe(scopeOf().now);
  });

  it('gives the same key to what has the same values, another one to others, and to another wording of the rule', () => {
    const key = (fields: Record<string, unknown>) => find('SETTLEMENT_FAIL', fields).joining?.terms.key;
    const one = key({ counterparty: 'ACME', ccy: 'CHF' });
    expect(key({ counterparty: 'ACME', ccy: 'CHF', more: 1 })).toBe(one);
    expect(key({ counterparty: 'ACME', ccy: 'USD' })).not.toBe(one);
    const other = sources(RULES.replace('run: both', 'run: members'));
    const scope = scopeOf({ type: 'SETTLEMENT_FAIL', fields: { counterparty: 'ACME', ccy: 'CHF' } });
    expect(findIncident(other, scope).joining?.terms.key).not.toBe(one);
  });

  it('passes over what lacks a value of `by`, and tries the next one', () => {
    const { joining, explain } = find('SETTLEMENT_FAIL', { counterparty: 'ACME', region: { name: 'EU' } });
    expect(explain).toMatchObject([{ matched: true, note: '`by` gives nothing for it' }, { matched: true }]);
    expect(joining?.report).toMatchObject({ title: 'everything: {"name":"EU"}', entity: '{"name":"EU"}' });
  });

  it('says which part of it was false where none takes it', () => {
    const { joining, explain } = find('OTHER', {});
    expect(joining).toBeNull();
    expect(explain).toMatchObject([
      { matched: false, falsePart: { values: { 'exception.type': 'OTHER' } } },
      { matched: true, note: '`by` gives nothing for it' },
    ]);
    expect(findIncident(packOf(), scopeOf())).toEqual({ joining: null, explain: [] });
  });

  it('cuts what is long, and leaves out fields that are too many', () => {
    const region = 'x'.repeat(900);
    const { joining } = find('OTHER', { region, much: 'y'.repeat(70_000) });
    expect(joining?.terms.by).toEqual([`${'x'.repeat(199)}…`]);
    expect(joining?.report.title.length).toBeLessThanOrEqual(500);
    expect(joining?.report.fields).toEqual({});
  });

  it('is called by its name where its title gives nothing', () => {
    const titled = sources(
      `correlate: [{ name: n, by: [exception.type], window: 1m, title: "\${{ exception.fields.none }}" }]`,
    );
    expect(findIncident(titled, scopeOf()).joining?.report.title).toBe('n: SETTLEMENT_FAIL');
  });

  it('makes a parent that the generic form can read', () => {
    const { joining } = find('SETTLEMENT_FAIL', { counterparty: 'ACME', ccy: 'CHF' });
    const item = { item: { ...joining?.report, source: 'correlation' }, fingerprint: 'f', resolve: false };
    const parent = normalizeItem(pack, 'generic', item, '2026-11-20T10:00:00.000Z');
    expect(parent).toMatchObject({ type: 'COUNTERPARTY_TROUBLE', source: 'correlation', severity: 'medium' });
  });
});

it.each([
  ['correlate: [{ by: [exception.type] }]', ['sources.yaml:1:13 FIELD_MISSING']],
  ['correlate: [{ window: 1m }]', ['sources.yaml:1:13 FIELD_MISSING']],
  ['correlate: [{ by: [], window: 1m }]', ['sources.yaml:1:19 VALUE_INVALID']],
  ['correlate: [{ by: [exception.type], window: soon }]', ['sources.yaml:1:45 DURATION_INVALID']],
  ['correlate: [{ by: [exception.type], window: 1m, min: 0 }]', ['sources.yaml:1:54 VALUE_INVALID']],
  ['correlate: [{ by: [exception.type], window: 1m, run: nobody }]', ['sources.yaml:1:54 VALUE_UNKNOWN']],
  ['correlate: [{ by: [exception.type], window: 1m, resolve: never }]', ['sources.yaml:1:58 VALUE_UNKNOWN']],
  ['correlate: [{ by: [triage.category], window: 1m }]', ['sources.yaml:1:20 EXPR_UNKNOWN']],
  [`correlate: [{ by: ["\${{ exception.type }}"], window: 1m }]`, ['sources.yaml:1:20 EXPR_SYNTAX']],
  ['correlate: [{ by: [exception.type], window: 1m, atMost: 2m }]', ['sources.yaml:1:49 FIELD_UNKNOWN']],
  ['correlate: { by: [exception.type] }', ['sources.yaml:1:12 VALUE_TYPE']],
])('%s is refused', (text, codes) => {
  expect(codesOf({ 'sources.yaml': text })).toEqual(codes);
});
