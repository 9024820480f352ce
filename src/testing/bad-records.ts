/** Bad records on a worker's topic: each becomes a dead letter with its code, the worker lives, the next good one works. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { encodeEvent, type JournalEntry, type OutRecord } from '../core/envelope.js';
import { deadLetterTopic, TOPIC_OF } from '../core/stages.js';
import { SYSTEM_TENANT } from '../store/port.js';
import type { Pipeline } from './pipeline.js';
import { until } from './until.js';

type Bad = readonly [what: string, code: string, change: (good: OutRecord) => OutRecord];

const header = (record: OutRecord, headers: Record<string, string>): OutRecord => ({
  ...record,
  headers: { ...record.headers, ...headers },
});
const day = 24 * 60 * 60 * 1000;

/** Each changes a good `ExceptionNormalized` of a case that triage has handled. */
const BAD: readonly Bad[] = [
  ['no value', 'EVENT_EMPTY', (good) => ({ ...good, value: null })],
  ['an empty value', 'EVENT_EMPTY', (good) => ({ ...good, value: '' })],
  ['bytes that are not UTF-8', 'EVENT_NOT_JSON', (good) => ({ ...good, value: Buffer.from([0xff, 0xfe, 0x00]) })],
  ['truncated JSON', 'EVENT_NOT_JSON', (good) => ({ ...good, value: String(good.value).slice(0, 20) })],
  ['JSON 5,000 levels deep', 'EVENT_TOO_DEEP', (good) => ({ ...good, value: '['.repeat(5_000) + ']'.repeat(5_000) })],
  ['a value of 800 KB', 'EVENT_TOO_LARGE', (good) => ({ ...good, value: JSON.stringify('x'.repeat(800 * 1024)) })],
  ['an unknown type', 'EVENT_TYPE_UNKNOWN', (good) => header(good, { ce_type: 'ExceptionVanished' })],
  [
    'version 99',
    'EVENT_VERSION_UNSUPPORTED',
    (good) => header(good, { ce_dataschema: 'urn:millrace:event:ExceptionNormalized:99' }),
  ],
  ['an id that is no UUID', 'EVENT_ID_INVALID', (good) => header(good, { ce_id: '42' })],
  ['a key that is not tenant:case', 'EVENT_KEY_MISMATCH', (good) => ({ ...good, key: 'elsewhere' })],
  [
    'a tenant that does not exist',
    'TENANT_UNKNOWN',
    (good) => ({ ...header(good, { ce_tenantid: 'nobody' }), key: String(good.key).replace(/^[^:]+/, 'nobody') }),
  ],
  ['U+0000 in a string', 'TEXT_NUL', (good) => ({ ...good, value: '{"a":"\\u0000"}' })],
  ['half a surrogate pair', 'TEXT_INVALID_UNICODE', (good) => ({ ...good, value: '{"a":"\\ud800"}' })],
  ['a sequence beyond int32', 'NUMBER_RANGE', (good) => header(good, { ce_seq: '2147483648' })],
  [
    'a time two days ahead',
    'EVENT_FROM_FUTURE',
    (good) => header(good, { ce_time: new Date(Date.now() + 2 * day).toISOString() }),
  ],
  ['a time of the last century', 'EVENT_TOO_OLD', (good) => header(good, { ce_time: '1999-01-01T00:00:00Z' })],
  [
    'the same id with other data',
    'EVENT_ID_REUSED',
    (good) => ({ ...good, value: String(good.value).replace('Trade', 'Tirade') }),
  ],
  ['the same seq with another id', 'SEQ_CONFLICT', (good) => header(good, { ce_id: randomUUID() })],
  ['a case that does not exist', 'CASE_ABSENT', (good) => absentCase(good)],
];

function absentCase(good: OutRecord): OutRecord {
  const caseId = randomUUID();
  return { ...header(good, { ce_caseid: caseId }), key: String(good.key).replace(/:.*/, `:${caseId}`) };
}

/** Adds the tests to a suite whose pipeline is running. */
export function badRecordTests(pipeline: () => Pipeline): void {
  it('bad records become dead letters with their codes, and the next good exception works', async () => {
    const { log, memory, tenantId } = pipeline();
    const idOf = async (entity: string) =>
      (await pipeline().report({ type: 'SETTLEMENT_FAIL', entity, title: 'Trade failed' })).items[0]?.id as string;
    const id = await idOf('victim');
    await pipeline().settled(id, 'RESOLVED');
    const good = await normalizedRecord(pipeline(), id);
    await log.publish(BAD.map(([, , change]) => change(good)));

    const letters = await until(async () => {
      const lists = await Promise.all(
        [tenantId, SYSTEM_TENANT].map((tenant) => memory.queries.listDeadLetters(tenant, { limit: 100 })),
      );
      const found = lists.flatMap(({ items }) => items);
      return found.length >= BAD.length ? found : undefined;
    }, `${BAD.length} dead letters`);
    expect(letters.map(({ code }) => code).sort()).toEqual(BAD.map(([, code]) => code).sort());
    expect((await memory.queries.getCase(tenantId, id))?.blocked).toBe(false);

    const later = await idOf('after-the-bad');
    await pipeline().settled(later, 'RESOLVED');
    await until(async () => {
      const marks = await log.watermarks(deadLetterTopic(TOPIC_OF.triage));
      return marks.reduce((sum, { high }) => sum + high, 0) >= BAD.length ? true : undefined;
    }, 'the dead letters on their topic');
  });

  it('an event that comes again for a case that has ended changes nothing', async () => {
    const { log, memory, tenantId } = pipeline();
    const id = (await pipeline().report({ type: 'NOISE', entity: 'twice' })).items[0]?.id as string;
    await pipeline().settledFeedback(id);
    const before = await memory.queries.timeline(tenantId, id);
    const good = await normalizedRecord(pipeline(), id);
    const handled = () =>
      pipeline().told.filter(
        ({ name, fields }) => name === 'chunk.handled' && (fields as { duplicates: number }).duplicates > 0,
      ).length;
    const had = handled();
    await log.publish([good, good]);
    await until(() => (handled() > had ? true : undefined), 'the duplicates to be dropped');
    expect(await memory.queries.timeline(tenantId, id)).toEqual(before);
  });
}

/** The `ExceptionNormalized` of a case as it was published. */
async function normalizedRecord({ memory, tenantId }: Pipeline, caseId: string): Promise<OutRecord> {
  const timeline = await memory.queries.timeline(tenantId, caseId);
  const found = timeline.find(({ type }) => type === 'ExceptionNormalized');
  if (!found) throw new Error(`case ${caseId} has no ExceptionNormalized`);
  const { seq, eventId, causeId, data } = found;
  const entry: JournalEntry = {
    ...{ tenantId, caseId, seq, eventId, causeId, traceparent: null },
    after: 0,
    type: 'ExceptionNormalized',
    emitter: 'intake',
    time: new Date().toISOString(),
    data: JSON.stringify(data),
  };
  return encodeEvent(entry, 'triage');
}
