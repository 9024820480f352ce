/** Records that are no events of this system, each with the code that it must get. */
import { randomUUID } from 'node:crypto';
import type { Message } from 'kafkajs';
import type { Stage } from '../layout.js';

/** A row of the journal. */
export interface Sample {
  readonly tenant_id: string;
  readonly case_id: string;
  readonly seq: number;
  readonly event_id: string;
  readonly type: string;
  readonly emitter: string;
  readonly after: number;
  readonly cause_id: string | null;
  readonly time: Date;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Poison {
  readonly name: string;
  readonly codes: readonly string[];
  readonly only?: Stage; // on the topic of this stage alone
  readonly make: (record: Message, sample: Sample) => Message;
}

type Headers = Readonly<Record<string, string | undefined>>;

const withValue =
  (value: Message['value']) =>
  (record: Message): Message => ({ ...record, value });
const withHeaders =
  (change: Headers) =>
  (record: Message): Message => {
    const headers = Object.entries({ ...record.headers, ...change }).filter(([, value]) => value !== undefined);
    return { ...record, headers: Object.fromEntries(headers) };
  };

const DAY_MS = 86_400_000;
const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
const crowd = (many: number): Headers => Object.fromEntries(Array.from({ length: many }, (_, i) => [`x-${i}`, 'y']));

/** A new event that claims a place in the case which the journal knows nothing of. */
const invented = (record: Message, sample: Sample, place: Headers): Message =>
  withHeaders({ ce_id: randomUUID(), ...place })({ ...record, value: JSON.stringify(sample.data) });

export const POISONS: readonly Poison[] = [
  { name: 'no value', codes: ['EVENT_EMPTY'], make: withValue(null) },
  { name: 'empty value', codes: ['EVENT_EMPTY'], make: withValue(Buffer.alloc(0)) },
  { name: 'not UTF-8', codes: ['EVENT_NOT_JSON'], make: withValue(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])) },
  { name: 'not JSON', codes: ['EVENT_NOT_JSON'], make: withValue('hello') },
  {
    name: 'cut off',
    codes: ['EVENT_NOT_JSON'],
    make: (record) => ({ ...record, value: String(record.value).slice(0, -3) }),
  },
  { name: 'nested 5,000 deep', codes: ['EVENT_TOO_DEEP'], make: withValue(deep) },
  { name: '900 KB', codes: ['EVENT_TOO_LARGE'], make: withValue(JSON.stringify({ x: 'y'.repeat(900_000) })) },
  { name: 'type nobody knows', codes: ['EVENT_TYPE_UNKNOWN'], make: withHeaders({ ce_type: 'NoSuchThing' }) },
  {
    name: 'version 99',
    codes: ['EVENT_VERSION_UNSUPPORTED'],
    make: (record, { type }) => withHeaders({ ce_dataschema: `urn:millrace:event:${type}:99` })(record),
  },
  { name: 'no id', codes: ['EVENT_ID_INVALID'], make: withHeaders({ ce_id: undefined }) },
  { name: 'id is no UUID', codes: ['EVENT_ID_INVALID'], make: withHeaders({ ce_id: '42' }) },
  { name: 'no key', codes: ['EVENT_KEY_MISMATCH'], make: (record) => ({ ...record, key: null }) },
  { name: 'key of another case', codes: ['EVENT_KEY_MISMATCH'], make: (record) => ({ ...record, key: 'a:b' }) },
  {
    name: 'tenant nobody knows',
    codes: ['TENANT_UNKNOWN'],
    make: (record, { case_id }) => ({
      ...withHeaders({ ce_tenantid: 'nobody' })(record),
      key: `nobody:${case_id}`,
    }),
  },
  { name: 'NUL in a string', codes: ['TEXT_NUL'], make: withValue('{"note":"a\\u0000b"}') },
  { name: 'half a surrogate pair', codes: ['TEXT_INVALID_UNICODE'], make: withValue('{"note":"\\ud800"}') },
  { name: 'seq beyond an integer', codes: ['NUMBER_RANGE'], make: withHeaders({ ce_seq: '2147483648' }) },
  {
    name: 'two days ahead',
    codes: ['EVENT_FROM_FUTURE'],
    make: (record) => withHeaders({ ce_time: new Date(Date.now() + 2 * DAY_MS).toISOString() })(record),
  },
  { name: 'of another century', codes: ['EVENT_TOO_OLD'], make: withHeaders({ ce_time: '1999-12-31T23:59:59Z' }) },
  {
    name: 'known id, other content',
    codes: ['EVENT_ID_REUSED'],
    only: 'intake',
    make: (record, { data }) => ({ ...record, value: JSON.stringify({ ...data, count: 77 }) }),
  },
  {
    name: 'seq far ahead',
    codes: ['SEQ_GAP', 'EVENT_UNKNOWN'],
    make: (record, sample) =>
      invented(record, sample, { ce_seq: String(sample.seq + 900), ce_after: String(sample.seq) }),
  },
  {
    name: 'seq of another event',
    codes: ['SEQ_CONFLICT'],
    make: (record, sample) => invented(record, sample, {}),
  },
  {
    name: 'case that is not there',
    codes: ['CASE_ABSENT'],
    make: (record, sample) => {
      const caseId = randomUUID();
      return { ...invented(record, sample, { ce_caseid: caseId }), key: `${sample.tenant_id}:${caseId}` };
    },
  },
  { name: '1,000 headers', codes: ['EVENT_HEADERS'], make: withHeaders(crowd(1_000)) },
  // On one topic only: the judge's own reader takes seconds for such a record, the product must not.
  { name: '10,000 headers', codes: ['EVENT_HEADERS'], only: 'triage', make: withHeaders(crowd(10_000)) },
  { name: '200 KB header', codes: ['EVENT_HEADERS'], make: withHeaders({ 'x-large': 'y'.repeat(200_000) }) },
];
