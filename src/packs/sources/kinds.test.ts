import { describe, expect, it } from 'vitest';
import { packOf } from '../../testing/packs.js';
import { normalizeItem, splitSource } from '../index.js';

const AT = '2026-11-20T10:00:00.000Z';
const pack = packOf({
  'pack.yaml': 'name: a\nseverities: { 1: critical }',
  'sources.yaml': `
sources:
  am: { kind: alertmanager }
  own: { kind: alertmanager, map: { entity: "\${{ item.labels.cluster }}" }, resolve: "item.status == 'gone'" }
  ce: { kind: cloudevents }
`,
});
const split = (source: string, body: unknown, headers: Record<string, string> = {}) =>
  splitSource(pack, source, { body, headers, receivedAt: AT });
const normalized = (source: string, body: unknown, headers?: Record<string, string>) =>
  split(source, body, headers).items.map((item) =>
    normalizeItem(pack, source, { ...item, fingerprint: item.fingerprint ?? 'own' }, AT),
  );

describe('the generic form', () => {
  it('the type is enough; what is not said has a default', () => {
    expect(normalized('generic', { type: 'A' })).toEqual([
      {
        type: 'A',
        title: 'A',
        severity: 'medium',
        entity: null,
        source: 'generic',
        occurredAt: AT,
        fingerprint: 'own',
        fields: {},
      },
    ]);
  });
  it('everything said is taken over; the source is only a label', () => {
    const body = {
      type: 'A',
      title: 'a title',
      severity: 1,
      entity: 5,
      source: 'am',
      occurredAt: '2026-11-20T12:00:00.5+02:00',
      fingerprint: 'mine',
      fields: { a: { b: 1 } },
    };
    expect(normalized('generic', body)).toEqual([
      { ...body, severity: 'critical', entity: '5', occurredAt: '2026-11-20T10:00:00.500Z' },
    ]);
  });
  it('null is as if it were not said', () => {
    const body = { type: 'A', title: null, severity: null, entity: null, source: null, occurredAt: null, fields: null };
    expect(normalized('generic', body)).toEqual(normalized('generic', { type: 'A' }));
  });
  it('type, entity and source identify it; without an entity nothing does', () => {
    const prints = split('generic', [
      { type: 'A', entity: 'e' },
      { type: 'A', entity: 'e', title: 'again' },
      { type: 'A', entity: 'e', source: 'x' },
      { type: 'A' },
      { type: 'A', fingerprint: 'f' },
    ]).items.map((item) => item.fingerprint);
    expect(prints[0]).toBe(prints[1]);
    expect(prints[2]).not.toBe(prints[0]);
    expect(prints.slice(3)).toEqual([null, 'f']);
    expect(split('generic', { type: 'A' }).items[0]?.resolve).toBe(false);
  });
  it.each<readonly [unknown, string, string]>([
    [5, 'ITEM_INVALID', '(the document)'],
    [[5], 'ITEM_INVALID', 'items[0]'],
    [{}, 'FIELD_MISSING', 'type'],
    [{ type: '' }, 'FIELD_MISSING', 'type'],
    [{ type: null }, 'FIELD_TYPE', 'type'],
    [{ type: 'x'.repeat(201) }, 'TEXT_TOO_LONG', 'type'],
    [{ type: 'A', entity: {} }, 'FIELD_TYPE', 'entity'],
    [{ type: 'A', title: 5 }, 'FIELD_TYPE', 'title'],
    [{ type: 'A', fields: [] }, 'FIELD_TYPE', 'fields'],
    [{ type: 'A', severity: 'hihg' }, 'SEVERITY_UNKNOWN', 'severity'],
    [{ type: 'A', severity: 99 }, 'SEVERITY_UNKNOWN', 'severity'],
    [{ type: 'A', severity: [] }, 'SEVERITY_UNKNOWN', 'severity'],
    [{ type: 'A', severity: 'purple-ish-blue' }, 'SEVERITY_UNKNOWN', 'severity'],
    [[{ type: 'A' }, { type: 'A', sevrity: 'high' }], 'FIELD_UNKNOWN', 'items[1].sevrity'],
    [{ type: 'A', tenant_id: 'x' }, 'FIELD_UNKNOWN', 'tenant_id'],
    ...[
      '0000-00-00',
      'infinity',
      '+275760-09-13T00:00:00Z',
      '1999-12-31T23:59:59Z',
      '2026-02-30T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-11-20',
      5,
    ].map((occurredAt) => [{ type: 'A', occurredAt }, 'TIME_INVALID', 'occurredAt'] as const),
  ])('%j is refused: %s at %s', (body, code, path) => {
    expect(split('generic', body).problems).toMatchObject([{ code, path }]);
  });
  it('a misspelt word comes with the word that was meant', () => {
    const hints = split('generic', {
      type: 'A',
      sevrity: 'x',
      severity: 'hig',
      occuredAt: 'x',
      zzzzzzz: 1,
    }).problems.map((p) => p.hint);
    expect(hints).toEqual([
      'Did you mean `severity`?',
      'Did you mean `occurredAt`?',
      'Put what is your own under `fields`.',
      'Did you mean `high`?',
    ]);
  });
});

describe('a webhook of Alertmanager', () => {
  const alert = (
    extra: object,
    labels: object = { alertname: 'Down', pod: 'p-1', instance: 'i', severity: 'warning' },
  ) => ({
    status: 'firing',
    labels,
    annotations: { summary: 'it is down', description: 'long' },
    startsAt: '2026-11-20T09:00:00.123456789Z',
    ...extra,
  });
  const body = (...alerts: unknown[]) => ({
    version: '4',
    receiver: 'r',
    groupLabels: { a: 'b' },
    routeLabels: { x: 'y' },
    alerts,
  });

  it('gives one exception for each alert, with its labels and what its group says', () => {
    expect(normalized('am', body(alert({ fingerprint: 'abc', newKey: 1 })))).toEqual([
      {
        type: 'Down',
        title: 'it is down',
        severity: 'medium',
        entity: 'p-1',
        source: 'am',
        occurredAt: '2026-11-20T09:00:00.123Z',
        fingerprint: 'abc',
        fields: {
          alertname: 'Down',
          pod: 'p-1',
          instance: 'i',
          severity: 'warning',
          labels: { alertname: 'Down', pod: 'p-1', instance: 'i', severity: 'warning' },
          annotations: { summary: 'it is down', description: 'long' },
          status: 'firing',
          newKey: 1,
          group: { version: '4', receiver: 'r', groupLabels: { a: 'b' }, routeLabels: { x: 'y' } },
        },
      },
    ]);
  });
  it.each([
    [{ annotations: { description: 'long' } }, { alertname: 'Down', instance: 'i' }, { title: 'long', entity: 'i' }],
    [{ annotations: undefined }, { alertname: 'Down', service: 's' }, { title: 'Down', entity: 's' }],
    [{ startsAt: '0001-01-01T00:00:00Z' }, {}, { type: 'am', entity: null, occurredAt: AT, severity: 'medium' }],
  ])('an alert with %j and labels %j', (extra, labels, expected) => {
    expect(normalized('am', body(alert(extra, labels)))[0]).toMatchObject(expected);
  });
  it('a sender that omits the fingerprint gets one of the sorted labels; without labels there is none', () => {
    const prints = split(
      'am',
      body(alert({}, { a: '1', b: '2' }), alert({ fingerprint: '' }, { b: '2', a: '1' }), alert({}, {})),
    ).items.map((item) => item.fingerprint);
    expect(prints[0]).toBe(prints[1]);
    expect(prints[2]).toBeNull();
  });
  it('a resolved alert says that it is over, and keeps its fingerprint', () => {
    const { items } = split('am', body(alert({ status: 'resolved', fingerprint: 'abc' })));
    expect(items[0]).toMatchObject({ resolve: true, fingerprint: 'abc' });
    expect(split('am', { alerts: [] })).toEqual({ items: [], problems: [], ignored: [] });
  });
  it('a pack may say otherwise what an alert is about and when it is over', () => {
    const firing = body(alert({ status: 'gone' }, { alertname: 'Down', cluster: 'c' }), alert({ status: 'resolved' }));
    expect(split('own', firing).items.map((item) => item.resolve)).toEqual([true, false]);
    expect(normalized('own', firing)).toMatchObject([{ entity: 'c', type: 'Down' }, { entity: 'p-1' }]);
  });
});

describe('CloudEvents', () => {
  const event = {
    specversion: '1.0',
    id: '1',
    source: '/s',
    type: 'trade.failed',
    subject: 'T-1',
    time: '2026-11-20T09:00:00Z',
  };

  it('structured: type, subject and time are the exception’s, data its fields', () => {
    const structured = { ...event, severity: 'error', data: { amount: 5, title: 'a title' } };
    expect(normalized('ce', structured)).toEqual([
      {
        type: 'trade.failed',
        title: 'a title',
        severity: 'high',
        entity: 'T-1',
        source: 'ce',
        occurredAt: '2026-11-20T09:00:00.000Z',
        fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        fields: { amount: 5, title: 'a title', event: { ...event, severity: 'error' } },
      },
    ]);
  });
  it('a batch is one exception for each event; the same source and id is the same one', () => {
    const { items } = split('ce', [event, { ...event, subject: 'again' }, { ...event, id: '2' }]);
    expect(items[0]?.fingerprint).toBe(items[1]?.fingerprint);
    expect(items[2]?.fingerprint).not.toBe(items[0]?.fingerprint);
    expect(items[0]?.resolve).toBe(false);
  });
  it('binary: the attributes are headers, percent-encoded, and the body is the data', () => {
    const headers = {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/s',
      'ce-type': 'trade.failed',
      'ce-subject': 'Z%C3%BCrich',
      'ce-note': '100%',
    };
    expect(normalized('ce', [1, 2], headers)).toMatchObject([
      {
        entity: 'Zürich',
        title: 'trade.failed',
        occurredAt: AT,
        fields: { data: [1, 2], event: { note: '100%', datacontenttype: 'application/json' } },
      },
    ]);
    const { 'content-type': _, ...bare } = headers;
    expect(normalized('ce', { message: 'm', severity: 'info' }, bare)).toMatchObject([
      { title: 'm', severity: 'info' },
    ]);
  });
  it('an event without data has only its attributes', () => {
    expect(normalized('ce', event)).toMatchObject([{ fields: { event } }]);
  });
});
