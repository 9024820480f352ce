import { isObject } from '../../core/json.js';
import { type Draft, type Kind, mismatch } from './draft.js';
import { hashOf } from './values.js';

const WORDS = ['type', 'title', 'severity', 'entity', 'occurredAt'] as const;

/** Any JSON: an object is one item, a list is one item each. Without a map, words of the generic form are understood. */
export const json: Kind = {
  called: 'JSON objects',
  sample: {
    headers: {},
    body: { type: 'SETTLEMENT_FAIL', title: 'Trade T-1001 did not settle', severity: 'high', entity: 'T-1001' },
  },
  looksLike: () => false, // any JSON is
  split: (_pack, { body }) => {
    if (isObject(body)) return [{ path: '', item: body }];
    if (!Array.isArray(body)) return mismatch('JSON objects', 'this is none', '(the document)');
    return body.map((item: unknown, index) => ({
      path: `items[${index}]`,
      item,
      ...objectProblem(item, `items[${index}]`),
    }));
  },
  draft: (item, sourceName) => {
    const { fields, ...rest } = item as Record<string, unknown>;
    const own = Object.fromEntries(WORDS.map((word) => [word, rest[word]]));
    for (const word of WORDS) delete rest[word];
    const all = isObject(fields) ? { ...rest, ...fields } : fields === undefined ? rest : { ...rest, fields };
    return { ...own, type: own.type ?? sourceName, fields: all };
  },
  fingerprint: (_item, draft, sourceName) => entityFingerprint(draft, sourceName),
  resolves: () => false,
};

export function objectProblem(item: unknown, path: string) {
  if (isObject(item)) return {};
  const message = 'This is not a JSON object.';
  return { problems: [{ code: 'ITEM_INVALID', message, path, hint: 'Each exception must be an object.' }] };
}

/** Type and entity say which thing has which trouble; without an entity nothing may be merged. */
export function entityFingerprint(draft: Draft, sourceName: string): string | null {
  if (draft.entity === undefined || draft.entity === null || draft.entity === '') return null;
  return hashOf(String(draft.type), String(draft.entity), sourceName);
}
