/** What people may put in the place of an input that failed: checked as strictly as if it came from outside. */
import { decodeEvent } from '../core/envelope.js';
import { ProblemError, problemOf, quoted } from '../core/errors.js';
import { type CaseEvent, EVENTS, isEventType } from '../core/events.js';
import { MAX_BYTES, parseJson } from '../core/json.js';
import type { LetterInput } from '../core/letters.js';
import type { Emission } from '../core/outcome.js';
import { type DeadLetterRecord, SYSTEM_TENANT } from '../store/port.js';
import { blockingId, SOURCE_HEADER } from './letter.js';

/** What a person changes. For a letter that holds a case only `data` may; `headers`: null takes one away. */
export interface LetterEdit {
  readonly data: unknown; // JSON
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string | null>>;
}

/** The letter of an event that the journal has: settling it lets its case go on. */
export interface BlockingLetter extends DeadLetterRecord {
  readonly caseId: string;
  readonly seq: number;
}

export const isBlocking = (letter: DeadLetterRecord): letter is BlockingLetter =>
  letter.caseId !== null &&
  letter.seq !== null &&
  letter.deadLetterId === blockingId(letter.tenantId, letter.caseId, letter.seq, letter.stage);

/** The event of a letter as it came, if it can be read. */
export function eventOf({ key, value, headers, offset, stage }: DeadLetterRecord, now: number): CaseEvent | null {
  const decoded = decodeEvent({ offset, key, value: Buffer.from(value, 'base64'), headers }, stage, now);
  return decoded.ok ? decoded.event : null;
}

/** What a letter was edited to: checked against the schema of this type when it was. Null where nothing was. */
export const editedEmission = ({ eventType: type, edited }: BlockingLetter): Emission | null =>
  edited && ({ type, data: JSON.parse(Buffer.from(edited.value, 'base64').toString()) } as Emission);

/** The input to keep beside the old one. Throws ProblemError INPUT_INVALID. */
export function editedInput(letter: DeadLetterRecord, edit: LetterEdit, now: number): LetterInput {
  const text = guarded(edit.data);
  return isBlocking(letter) ? editedData(letter, edit, text, now) : editedRecord(letter, edit, text, now);
}

function guarded(data: unknown): string {
  const text = JSON.stringify(data);
  if (text === undefined) throw invalid('There is no data.', 'data');
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid(`It is larger than ${MAX_BYTES} bytes.`, 'data');
  try {
    parseJson(text);
  } catch (error) {
    const { code, message, path = 'data' } = problemOf(error);
    throw invalid(`${code}: ${message}`, path);
  }
  return text;
}

function editedData(letter: BlockingLetter, { key, headers }: LetterEdit, text: string, now: number): LetterInput {
  const type = letter.eventType ?? '';
  if (key !== undefined || headers !== undefined)
    throw invalid('Only the data of an event of an exception may change.', key === undefined ? 'headers' : 'key');
  if (!isEventType(type)) throw invalid(`This version knows no event ${quoted(type)}.`, 'data');
  const parsed = EVENTS[type].data.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(issue?.message ?? 'It does not fit the event.', ['data', ...(issue?.path ?? [])].join('.'));
  }
  requireSameCall(eventOf(letter, now), parsed.data);
  const value = Buffer.from(JSON.stringify(parsed.data)).toString('base64');
  return { key: letter.key, value, headers: letter.headers };
}

/** A call's idempotency key is its execution id: with another one the same call could be made twice. */
function requireSameCall(original: CaseEvent | null, data: object): void {
  if (original?.type !== 'ToolRequested') return;
  for (const name of ['executionId', 'runId'] as const) {
    if ((data as Record<string, unknown>)[name] === original.data[name]) continue;
    throw invalid(`It must stay ${original.data[name]}, or the call could be made twice.`, `data.${name}`);
  }
}

function editedRecord(letter: DeadLetterRecord, edit: LetterEdit, text: string, now: number): LetterInput {
  const merged = Object.entries({ ...letter.headers, ...edit.headers });
  const headers = Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
  const record = { offset: letter.offset, key: edit.key ?? letter.key, value: Buffer.from(text), headers };
  const source = letter.headers[SOURCE_HEADER];
  if (source !== undefined) {
    return {
      key: record.key,
      value: record.value.toString('base64'),
      headers: { ...headers, [SOURCE_HEADER]: source },
    };
  }
  const decoded = decodeEvent(record, letter.stage, now);
  if (!decoded.ok) {
    const { code, message, path = 'data' } = decoded.problem;
    throw invalid(`${code}: ${message}`, path);
  }
  if (letter.tenantId !== SYSTEM_TENANT && decoded.event.tenantId !== letter.tenantId)
    throw invalid('The event is of another tenant than the letter.', 'headers.ce_tenantid');
  return { key: record.key, value: record.value.toString('base64'), headers };
}

const HINT = 'See what it came with: GET /dead-letters/{tenantId}/{id}.';

const invalid = (message: string, path: string): ProblemError =>
  new ProblemError({ code: 'INPUT_INVALID', message, path, hint: HINT });
