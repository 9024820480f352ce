import { expect, it } from 'vitest';
import { packOf } from '../../testing/packs.js';
import { prepare } from './record.js';

const pack = packOf({
  'sources.yaml':
    'sources:\n  events: { kind: cloudevents }\n  of-events: { kind: kafka, topic: t, as: events }\n  of-json: { kind: kafka, topic: t }\n',
});
const ATTRIBUTES = { ce_specversion: '1.0', ce_id: '1', ce_source: '/pumps', ce_type: 'pump.down' };

const prepared = (source: string, headers: Readonly<Record<string, string>>) =>
  prepare(
    {
      of: { tenantId: 'acme', source, topic: 't' },
      partition: 0,
      pack: { version: 1, pack },
      receivedAt: '2026-06-01T10:00:00.000Z',
      newId: () => '00000000-0000-7000-8000-000000000001',
    },
    { offset: 7, key: 'k', value: null, headers },
  );

it('a record without a value is an event without data where its headers say so, and a tombstone elsewhere', () => {
  expect(prepared('of-events', ATTRIBUTES)).toMatchObject({ kind: 'request', request: { tenantId: 'acme' } });
  expect(prepared('of-events', { ce_id: '1' })).toMatchObject({
    kind: 'problem',
    problem: { code: 'SOURCE_MISMATCH' },
  });
  expect(prepared('of-events', {})).toMatchObject({ kind: 'skipped' });
  expect(prepared('of-json', ATTRIBUTES)).toMatchObject({ kind: 'skipped' });
});
