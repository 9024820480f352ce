import { describe, expect, it } from 'vitest';
import type { NormalizedException } from '../../core/records.js';
import { codesOf, packOf } from '../../testing/packs.js';
import { normalizeItem, splitSource } from '../index.js';
import type { CompiledPack } from '../types.js';

const AT = '2026-11-20T10:00:00.000Z';
const request = (body: unknown, headers: Record<string, string> = {}) => ({ body, headers, receivedAt: AT });

const split = (pack: CompiledPack, source: string, body: unknown, headers?: Record<string, string>) =>
  splitSource(pack, source, request(body, headers));

/** The normalized exceptions (or problems) of a request; an item without a fingerprint gets `own`. */
const normalized = (pack: CompiledPack, source: string, body: unknown, headers?: Record<string, string>) =>
  split(pack, source, body, headers).items.map((item) =>
    normalizeItem(pack, source, { ...item, fingerprint: item.fingerprint ?? 'own' }, AT),
  );
const one = (pack: CompiledPack, source: string, body: unknown) => normalized(pack, source, body)[0];
const sources = (text: string) => packOf({ 'sources.yaml': `sources:\n  s: ${text}\n` });

describe('a source of kind json', () => {
  it('splits a body, maps each item, and says which are over', () => {
    const pack = sources(`
    kind: json
    split: \${{ body.breaks }}
    map:
      type: \${{ item.kind }}
      severity: \${{ item.prio }}
      title: "Trade \${{ item.id }}: \${{ item.why }}"
      entity: \${{ item.id }}
      occurredAt: \${{ item.at }}
      fields: { amount: "\${{ item.amount }}", batch: "\${{ body.batch }}", from: "\${{ headers['x-from'] }}", gone: "\${{ item.gone }}" }
    fingerprint: [type, entity, fields.batch]
    resolve: item.status == 'SETTLED'`);
    const body = {
      batch: 'b1',
      other: 'x',
      breaks: [
        { kind: 'FAIL', id: 7, prio: 'p2', amount: 1.5, at: 1_700_000_000 },
        { kind: 'FAIL', id: 7, status: 'SETTLED' },
      ],
    };
    const { items, problems } = split(pack, 's', body, { 'x-from': 'bank', cookie: 'c' });
    expect(problems).toEqual([]);
    expect(items.map((item) => item.resolve)).toEqual([false, true]);
    expect(items[0]?.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    expect(items[0]?.fingerprint).toBe(items[1]?.fingerprint);
    expect(items[0]).toMatchObject({ body: { batch: 'b1' }, headers: { 'x-from': 'bank' } });
    expect(normalized(pack, 's', body, { 'x-from': 'bank' })).toEqual([
      {
        type: 'FAIL',
        title: 'Trade 7: ',
        severity: 'high',
        entity: '7',
        source: 's',
        occurredAt: '2023-11-14T22:13:20.000Z',
        fingerprint: items[0]?.fingerprint,
        fields: { amount: 1.5, batch: 'b1', from: 'bank' },
      },
      expect.objectContaining({ severity: 'medium', occurredAt: AT, fields: { batch: 'b1', from: 'bank' } }),
    ]);
  });

  it('without a map the words of the generic form are understood and the rest is kept', () => {
    const pack = sources('{ kind: json }');
    const body = { type: 'A', entity: 'e', severity: 'error', action: 'opened', fields: { n: 1 } };
    expect(one(pack, 's', body)).toMatchObject({
      type: 'A',
      severity: 'high',
      entity: 'e',
      fields: { action: 'opened', n: 1 },
    });
    expect(one(pack, 's', { fields: 5 })).toMatchObject({ type: 's', title: 's', entity: null, fields: { fields: 5 } });
    expect(one(pack, 's', { a: 1 })).toMatchObject({ fields: { a: 1 } });
  });

  it('with a map that leaves fields out, the whole item is kept', () => {
    const pack = sources(`{ kind: json, map: { type: "\${{ item.t }}" } }`);
    expect(one(pack, 's', { t: 'A', x: [1] })).toMatchObject({ type: 'A', title: 'A', fields: { t: 'A', x: [1] } });
  });

  it('a map that reads the whole body gets it; the item itself is not copied', () => {
    const pack = sources(`{ kind: json, map: { type: A, fields: "\${{ body }}" } }`);
    expect(split(pack, 's', { x: 1 }).items[0]).not.toHaveProperty('body');
    expect(one(pack, 's', { x: 1 })).toMatchObject({ fields: { x: 1 } });
    const many = split(pack, 's', [{ x: 1 }]);
    expect(many.items[0]).toMatchObject({ body: [{ x: 1 }] });
  });

  it.each([
    ['[type, entity]', { type: 'A', entity: 'e' }, true],
    ['[type, entity]', { type: 'A' }, false],
    ['[source, fields.a.b]', { a: { b: { c: 1 } } }, true],
    ['[source, fields.a.b]', { a: 5 }, false],
    [`"\${{ item.id }}"`, { id: 'x-1' }, true],
    [`"\${{ item.id }}"`, {}, false],
    [`"\${{ item.id }}"`, { id: null }, false],
    [`"\${{ item.id + 1 }}"`, { id: 'x' }, false],
  ])('fingerprint %s of %j identifies it: %s', (fingerprint, body, known) => {
    const pack = sources(`{ kind: json, fingerprint: ${fingerprint} }`);
    expect(split(pack, 's', body).items[0]?.fingerprint !== null).toBe(known);
  });

  it('a long fingerprint is shortened, a short one is kept as it is', () => {
    const pack = sources(`{ kind: json, fingerprint: "\${{ item.id }}" }`);
    expect(split(pack, 's', { id: 'x-1' }).items[0]?.fingerprint).toBe('x-1');
    expect(split(pack, 's', { id: 'x'.repeat(201) }).items[0]?.fingerprint).toHaveLength(32);
  });

  it('by itself it is identified by type and entity; without an entity nothing is merged', () => {
    const pack = sources('{ kind: json }');
    const prints = split(pack, 's', [{ entity: 'e' }, { entity: 'e' }, { entity: '' }, {}]).items.map(
      (i) => i.fingerprint,
    );
    expect(prints[0]).toBe(prints[1]);
    expect(prints.slice(2)).toEqual([null, null]);
  });

  it.each([
    [`{ kind: json, map: { type: "\${{ item.t }}" } }`, {}, 'FIELD_MISSING', 'type'],
    [`{ kind: json, map: { type: A, entity: "\${{ item }}" } }`, {}, 'FIELD_TYPE', 'entity'],
    [`{ kind: json, map: { type: A, fields: "\${{ item.f }}" } }`, { f: 'x' }, 'FIELD_TYPE', 'fields'],
    [`{ kind: json, map: { type: A, occurredAt: "\${{ item.at }}" } }`, { at: 'soon' }, 'TIME_INVALID', 'occurredAt'],
    [`{ kind: json, map: { type: A, occurredAt: "\${{ item.at }}" } }`, { at: 5 }, 'TIME_INVALID', 'occurredAt'],
    [`{ kind: json, map: { type: A, entity: "\${{ item.a + 1 }}" } }`, { a: 'x' }, 'EXPR_FAILED', 'map.entity'],
    [
      `{ kind: json, map: { type: A, fields: { a: "\${{ item.a / item.z }}" } } }`,
      { a: 1, z: 0 },
      'NUMBER_INVALID',
      'map.fields.a',
    ],
    ['{ kind: json }', { type: 'x'.repeat(201) }, 'TEXT_TOO_LONG', 'type'],
  ])('%s given %j: %s at %s', (text, body, code, path) => {
    expect(one(sources(text), 's', body)).toMatchObject({ code, path });
  });

  it('null for what may be missing is as if it were missing; a long title is cut', () => {
    const pack = sources(`{ kind: json, map: { type: A, fields: "\${{ item.f }}", occurredAt: "\${{ item.at }}" } }`);
    expect(one(pack, 's', { f: {}, at: 1_700_000_000_123 })).toMatchObject({ occurredAt: '2023-11-14T22:13:20.123Z' });
    expect(one(pack, 's', { f: null, at: null })).toMatchObject({ fields: {}, occurredAt: AT });
    expect(
      (one(sources('{ kind: json }'), 's', { title: 'x'.repeat(3_000) }) as NormalizedException).title,
    ).toHaveLength(2_000);
  });
});

describe('a body that is for another source', () => {
  const pack = packOf({
    'pack.yaml': 'name: a\nlimits: { itemsPerRequest: 2 }',
    'sources.yaml': `
sources:
  j: { kind: json }
  sp: { kind: json, split: "\${{ body.list }}" }
  am: { kind: alertmanager }
  ce: { kind: cloudevents }
`,
  });
  it.each([
    ['nowhere', {}, 'SOURCE_UNKNOWN', undefined],
    ['j', 5, 'SOURCE_MISMATCH', '(the document)'],
    ['j', [1], 'ITEM_INVALID', 'items[0]'],
    ['j', [{}, {}, {}], 'BATCH_TOO_LARGE', undefined],
    ['sp', {}, 'SPLIT_FAILED', undefined],
    ['sp', { list: 5 }, 'SPLIT_FAILED', undefined],
    ['sp', { list: [5] }, 'ITEM_INVALID', 'items[0]'],
    ['am', [1, 2], 'SOURCE_MISMATCH', 'alerts'],
    ['am', { alerts: {} }, 'SOURCE_MISMATCH', 'alerts'],
    ['am', { alerts: [], version: '3' }, 'SOURCE_MISMATCH', 'version'],
    ['am', { alerts: [{ labels: [] }] }, 'ITEM_INVALID', 'alerts[0]'],
    ['am', { alerts: ['x'] }, 'ITEM_INVALID', 'alerts[0]'],
    ['ce', {}, 'SOURCE_MISMATCH', 'specversion'],
    ['ce', 'x', 'SOURCE_MISMATCH', 'specversion'],
    ['ce', [5], 'ITEM_INVALID', 'items[0]'],
    ['ce', { specversion: '0.3', id: 'a', source: 'b', type: 'c' }, 'CLOUDEVENT_INVALID', 'specversion'],
    ['ce', [{ id: '', source: 'b', type: 'c' }], 'CLOUDEVENT_INVALID', 'items[0].id'],
  ])('%s given %j: %s at %s', (source, body, code, path) => {
    const { items, problems } = split(pack, source, body);
    expect(items).toEqual([]);
    expect(problems[0]).toMatchObject(path === undefined ? { code } : { code, path });
  });
  it('good items of the same request are still there', () => {
    expect(split(pack, 'j', [{ a: 1 }, 2])).toMatchObject({
      items: [{ item: { a: 1 } }],
      problems: [{ path: 'items[1]' }],
    });
  });
  it('an unknown source is told when normalizing, too', () => {
    const item = { item: {}, fingerprint: 'f', resolve: false };
    expect(normalizeItem(pack, 'nowhere', item, AT)).toMatchObject({ code: 'SOURCE_UNKNOWN' });
  });
});

describe('sources.yaml is checked', () => {
  it.each([
    ['kind: nonsense', 'sources.yaml:2:14 VALUE_UNKNOWN'],
    ['knd: json', 'sources.yaml:2:6 FIELD_MISSING'],
    ['kind: json, map: {}', 'sources.yaml:2:25 FIELD_MISSING'],
    ['kind: json, map: { type: a, titel: b }', 'sources.yaml:2:36 FIELD_UNKNOWN'],
    ['kind: json, map: { type: a, fields: 5 }', 'sources.yaml:2:44 VALUE_TYPE'],
    [`kind: json, split: "\${{ bdy.x }}"`, 'sources.yaml:2:32 EXPR_UNKNOWN'],
    [`kind: alertmanager, split: "\${{ body.x }}"`, 'sources.yaml:2:28 FIELD_UNKNOWN'],
    ['kind: json, fingerprint: []', 'sources.yaml:2:33 VALUE_TYPE'],
    ['kind: json, fingerprint: { a: 1 }', 'sources.yaml:2:33 VALUE_TYPE'],
    ['kind: json, fingerprint: [type, name]', 'sources.yaml:2:40 VALUE_UNKNOWN'],
    ['kind: json, resolve: "item.a +"', 'sources.yaml:2:38 EXPR_SYNTAX'],
  ])('{ %s } → %s', (text, code) => {
    expect(codesOf({ 'sources.yaml': `sources:\n  s: { ${text} }` })[0]).toBe(code);
  });
  it.each([
    ['sources: { generic: { kind: json } }', 'sources.yaml:1:12 NAME_RESERVED'],
    ['sources: { "a b": { kind: json } }', 'sources.yaml:1:12 NAME_INVALID'],
    ['source: {}', 'sources.yaml:1:1 FIELD_UNKNOWN'],
    ['sources: []', 'sources.yaml:1:10 VALUE_TYPE'],
    ['{}', undefined],
  ])('%s → %s', (text, code) => {
    expect(codesOf({ 'sources.yaml': text })[0]).toBe(code);
  });
});
