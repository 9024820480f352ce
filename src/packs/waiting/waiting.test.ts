import { describe, expect, it } from 'vitest';
import { codesOf, packOf, scopeOf } from '../../testing/packs.js';
import { findHold, groupOf, splitSource } from '../index.js';

const sources = (text: string) => packOf({ 'sources.yaml': text });
const AT = '2026-11-20T10:00:00.000Z';
const NOW = Date.parse(AT);

describe('a rule of `hold`', () => {
  const pack = sources(`
hold:
  - { name: small ones, when: "exception.severity in ['low', 'info']", for: 2m }
  - { when: "exception.type == 'FLAP' && seen.in1h < 3", for: 30s }`);

  it('is the first that matches, and those before it say why not', () => {
    expect(findHold(pack, scopeOf({ severity: 'low' }))).toMatchObject({
      hold: { name: 'small ones', forMs: 120_000 },
    });
    const flap = findHold(pack, scopeOf({ type: 'FLAP' }));
    expect(flap.hold).toMatchObject({ name: "exception.type == 'FLAP' && seen.in1h < 3", forMs: 30_000 });
    expect(flap.explain).toMatchObject([
      { name: 'small ones', place: 'sources.yaml:3:5', matched: false, falsePart: { values: {} } },
      { matched: true },
    ]);
  });

  it('is none where none matches', () => {
    const { hold, explain } = findHold(pack, scopeOf({ severity: 'high' }));
    expect(hold).toBeNull();
    expect(explain.map(({ matched }) => matched)).toEqual([false, false]);
    expect(findHold(packOf(), scopeOf())).toEqual({ hold: null, explain: [] });
  });

  it('without a condition holds everything', () => {
    expect(findHold(sources('hold: [{ for: 1s }]'), scopeOf()).hold).toMatchObject({ name: 'everything', when: null });
  });
});

describe('a rule of `accumulate`', () => {
  const pack = sources(`
accumulate:
  - name: crashes
    when: exception.type == 'CrashLoop'
    by: [exception.fields.namespace, exception.fields.size]
    window: 30s
  - { by: [exception.fields.region], window: 1m, max: 5, mode: debounce }`);
  const group = (type: string, fields: Record<string, unknown>) =>
    groupOf(pack, scopeOf({ type, fields }).exception, NOW);

  it('says what it waits for', () => {
    expect(pack.accumulates).toMatchObject([
      { name: 'crashes', windowMs: 30_000, max: 100, mode: 'batch', atMostMs: 30_000, place: 'sources.yaml:3:5' },
      { name: 'everything', windowMs: 60_000, max: 5, mode: 'debounce', atMostMs: 600_000 },
    ]);
    const bounded = sources('accumulate: [{ by: [exception.type], window: 1m, mode: debounce, atMost: 2m }]');
    expect(bounded.accumulates[0]).toMatchObject({ atMostMs: 120_000 });
  });

  it('gives exceptions with the same keys the same group, others another one', () => {
    const first = group('CrashLoop', { namespace: 'a', size: 1 });
    expect(first).toMatchObject({ rule: 'crashes', max: 100, key: expect.stringMatching(/^group:[0-9a-f]{32}$/) });
    expect(group('CrashLoop', { namespace: 'a', size: 1, pod: 'p' })).toEqual(first);
    expect(group('CrashLoop', { namespace: 'b', size: 1 })?.key).not.toBe(first?.key);
    expect(group('CrashLoop', { namespace: 'a', size: '1' })?.key).not.toBe(first?.key);
  });

  it('takes nothing whose keys cannot be had; the next rule may', () => {
    expect(group('CrashLoop', { namespace: 'a', region: 'eu' })).toMatchObject({ rule: 'everything', max: 5 });
    expect(group('CrashLoop', { namespace: 'a', size: null })).toBeUndefined();
    expect(group('OTHER', {})).toBeUndefined();
    const calls = sources('accumulate: [{ by: ["exception.fields.a + 1"], window: 1m }]');
    expect(groupOf(calls, scopeOf({ fields: { a: 'text' } }).exception, NOW)).toBeUndefined();
  });

  it('is applied when a request is split, to what its source can read', () => {
    const body = [
      { type: 'CrashLoop', fields: { namespace: 'a', size: 1 } },
      { type: 'CrashLoop', entity: 'pod-1', fields: { namespace: 'a', size: 1 } },
      { type: 'Other' },
    ];
    const { items } = splitSource(pack, 'generic', { body, headers: {}, receivedAt: AT });
    expect(items.map((item) => item.accumulate?.rule)).toEqual(['crashes', 'crashes', undefined]);
    expect(items[1]?.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    const bad = splitSource(
      sources(
        `sources: { s: { kind: json, map: { type: "\${{ item.kind }}" } } }\naccumulate: [{ by: [exception.type], window: 1s }]`,
      ),
      's',
      {
        body: { title: 'no type' },
        headers: {},
        receivedAt: AT,
      },
    );
    expect(bad.items[0]).not.toHaveProperty('accumulate');
  });
});

describe('a pack reads `seen`', () => {
  it.each([
    ['triage.yaml', 'triage: [{ name: a, when: seen.in1h > 3, set: { category: x } }]'],
    ['triage.yaml', `triage: [{ name: a, set: { times: "\${{ seen.count }}" } }]`],
    ['sources.yaml', 'hold: [{ when: seen.in24h < 2, for: 1m }]'],
  ])('where %s says %s', (file, text) => {
    expect(packOf({ [file]: text }).readsSeen).toBe(true);
  });

  it('or not', () => {
    expect(
      packOf({ 'triage.yaml': 'triage: [{ name: seen, when: "exception.title == \'seen\'", set: {} }]' }).readsSeen,
    ).toBe(false);
  });
});

describe('how long a history matters to a pack', () => {
  const HOURS = 3_600_000;
  it.each([
    ['seen.in1h > 3', 1 + 1 / 12],
    ['seen.in1h > 3 && seen.in24h < 9', 24 + 1 / 12],
    ['seen.in24h > 3 || seen.count > 100', 31 * 24],
    ["has(seen.first) && seen['in1h'] > 2", 31 * 24],
    ['tenant != ""', 0],
  ])('%s: %d hours', (when, hours) => {
    const triage = `triage: [{ name: a, when: ${JSON.stringify(when)}, set: {} }]`;
    expect(packOf({ 'triage.yaml': triage }).seenBackMs / HOURS).toBe(hours);
  });
});

describe('what is wrong is told with its place', () => {
  it.each([
    ['hold: 5', ['sources.yaml:1:7 VALUE_TYPE']],
    ['hold: [{ when: "true" }]', ['sources.yaml:1:8 FIELD_MISSING']],
    ['hold: [{ for: soon }]', ['sources.yaml:1:15 DURATION_INVALID']],
    ['hold: [{ for: 1m, until: 2 }]', ['sources.yaml:1:19 FIELD_UNKNOWN']],
    ['hold: [{ for: 1m, when: exception.typ == 1 }]', ['sources.yaml:1:25 EXPR_UNKNOWN']],
    ['hold: [{ for: 1m }, { for: 2m }]', ['sources.yaml:1:21 RULE_DUPLICATE']],
    ['accumulate: [{ window: 1m }]', ['sources.yaml:1:14 FIELD_MISSING']],
    ['accumulate: [{ by: [exception.type] }]', ['sources.yaml:1:14 FIELD_MISSING']],
    ['accumulate: [{ by: [], window: 1m }]', ['sources.yaml:1:20 VALUE_INVALID']],
    ['accumulate: [{ by: [exception.typ], window: 1m }]', ['sources.yaml:1:21 EXPR_UNKNOWN']],
    ['accumulate: [{ by: [seen.count], window: 1m }]', ['sources.yaml:1:21 EXPR_UNKNOWN']],
    [`accumulate: [{ by: ["\${{ exception.type }}"], window: 1m }]`, ['sources.yaml:1:21 EXPR_SYNTAX']],
    ['accumulate: [{ by: [5], window: 1m }]', ['sources.yaml:1:21 EXPR_SYNTAX']],
    ['accumulate: [{ by: [exception.type], window: 1m, max: 501 }]', ['sources.yaml:1:55 VALUE_INVALID']],
    ['accumulate: [{ by: [exception.type], window: 1m, mode: slow }]', ['sources.yaml:1:56 VALUE_UNKNOWN']],
    ['accumulate: [{ by: [exception.type], window: 1m, atMost: 2m }]', ['sources.yaml:1:50 FIELD_UNKNOWN']],
    [
      'accumulate: [{ by: [exception.type], window: 1m, mode: debounce, atMost: 1s }]',
      ['sources.yaml:1:74 VALUE_INVALID'],
    ],
  ])('%s', (text, codes) => {
    expect(codesOf({ 'sources.yaml': text })).toEqual(codes);
  });
});
