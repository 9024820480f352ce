import { didYouMean, type Problem } from '../../core/errors.js';
import { isObject, type JsonObject } from '../../core/json.js';
import { SEVERITIES } from '../../core/records.js';
import type { CompiledPack } from '../types.js';
import type { Draft, Kind, RawItem } from './draft.js';
import { boundedFingerprint, hashOf, parseTime, severityOf } from './values.js';

/** The form of `POST /exceptions/{tenant}`: strict, because a person or a client library wrote it for this API. */
const WORDS = ['type', 'title', 'severity', 'entity', 'source', 'occurredAt', 'fingerprint', 'fields'] as const;
const MAX_CHARS = { type: 200, title: 2_000, entity: 500, source: 200, fingerprint: 200 } as const;

export const generic: Kind = {
  called: "Millrace's own form",
  sample: {
    headers: {},
    body: { type: 'SETTLEMENT_FAIL', title: 'Trade T-1001 did not settle', severity: 'high', entity: 'T-1001' },
  },
  looksLike: ({ body }) => {
    const [first] = [body].flat() as unknown[];
    return isObject(first) && typeof first.type === 'string' && isKnown(first);
  },
  split: (pack, { body }) => {
    if (!Array.isArray(body)) return [checked(pack, body, '')];
    return body.map((item: unknown, index) => checked(pack, item, `items[${index}]`));
  },
  draft: (item) => item as Draft, // split has checked it
  fingerprint: (_item, draft) => {
    const { fingerprint } = draft as JsonObject;
    if (typeof fingerprint === 'string') return boundedFingerprint(fingerprint);
    if (draft.entity === undefined || draft.entity === null) return null;
    return hashOf(String(draft.type), String(draft.entity), String(draft.source ?? 'generic'));
  },
  resolves: () => false,
};

const isKnown = (item: JsonObject): boolean =>
  Object.keys(item).every((key) => (WORDS as readonly string[]).includes(key));

function checked(pack: CompiledPack, item: unknown, path: string): RawItem {
  const problems = isObject(item) ? [...itemProblems(pack, item)] : [notAnObject(path)];
  const placed = problems.map((problem) => ({ ...problem, path: join(path, problem.path as string) }));
  return problems.length === 0 ? { path, item } : { path, item, problems: placed };
}

const join = (base: string, path: string): string => [base, path].filter((part) => part !== '').join('.');

const notAnObject = (path: string): Problem => ({
  code: 'ITEM_INVALID',
  message: 'An exception must be a JSON object.',
  path: path === '' ? '(the document)' : '',
  hint: 'Send {"type": "…"}, or a list of such objects.',
});

function* itemProblems(pack: CompiledPack, item: JsonObject): Generator<Problem> {
  for (const key of Object.keys(item)) {
    if ((WORDS as readonly string[]).includes(key)) continue;
    const meant = didYouMean(key, WORDS);
    const hint = meant === undefined ? 'Put what is your own under `fields`.' : `Did you mean \`${meant}\`?`;
    yield { code: 'FIELD_UNKNOWN', message: `Unknown field \`${key}\`.`, path: key, hint };
  }
  if (item.type === undefined || item.type === '') {
    yield {
      code: 'FIELD_MISSING',
      message: '`type` is missing.',
      path: 'type',
      hint: 'Say what kind of exception it is.',
    };
  }
  for (const [key, most] of Object.entries(MAX_CHARS)) yield* textProblems(key, item[key], most);
  yield* valueProblems(pack, item);
}

function* textProblems(key: string, value: unknown, most: number): Generator<Problem> {
  if (value === undefined || (value === null && key !== 'type')) return;
  if (key === 'entity' && typeof value === 'number') return;
  if (typeof value !== 'string') {
    yield { code: 'FIELD_TYPE', message: `\`${key}\` must be text.`, path: key };
  } else if (value.length > most) {
    yield {
      code: 'TEXT_TOO_LONG',
      message: `\`${key}\` has ${value.length} characters, at most ${most} fit.`,
      path: key,
    };
  }
}

function* valueProblems(pack: CompiledPack, item: JsonObject): Generator<Problem> {
  const { severity, occurredAt, fields } = item;
  if (severity !== undefined && severity !== null && severityOf(pack.severities, severity) === undefined) {
    const meant = typeof severity === 'string' ? didYouMean(severity, pack.severities.keys()) : undefined;
    const hint = meant === undefined ? `One of ${SEVERITIES.join(', ')}.` : `Did you mean \`${meant}\`?`;
    yield {
      code: 'SEVERITY_UNKNOWN',
      message: `Unknown severity ${JSON.stringify(severity)}.`,
      path: 'severity',
      hint,
    };
  }
  if (occurredAt !== undefined && occurredAt !== null && parseTime(occurredAt) === undefined) {
    const message = `\`occurredAt\` is ${JSON.stringify(occurredAt)}.`;
    yield { code: 'TIME_INVALID', message, path: 'occurredAt', hint: 'Use RFC 3339 between 2000 and 2100.' };
  }
  if (fields !== undefined && fields !== null && !isObject(fields)) {
    yield { code: 'FIELD_TYPE', message: '`fields` must be an object.', path: 'fields' };
  }
}
