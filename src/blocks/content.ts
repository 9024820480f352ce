/** Bytes from outside, made into JSON that every store accepts. */
import { MAX_DEPTH, nestsDeeper } from '../core/json.js';

const NUL = String.fromCharCode(0);
const LONE_SURROGATE = /\p{Surrogate}/gu;

export interface DecodedContent {
  readonly value: unknown; // JSON value, text, base64 of what is neither, or null for nothing
  readonly encoding?: 'base64';
}

/** Decodes by media type: JSON is parsed (text if it does not parse or nests too deep), text is UTF-8, the rest base64. */
export function decodeContent(bytes: Buffer, contentType: string | undefined): DecodedContent {
  if (bytes.length === 0) return { value: null };
  const media = (contentType ?? 'text/plain').split(';')[0]?.trim().toLowerCase() ?? '';
  if (isJson(media)) {
    return { value: parseShallow(bytes.toString('utf8')) };
  }
  if (/^text\/|[/+]xml$|javascript$|^application\/(x-www-form-urlencoded|x-ndjson|yaml)$/.test(media)) {
    return { value: bytes.toString('utf8') };
  }
  return { value: bytes.toString('base64'), encoding: 'base64' };
}

export const isJson = (media: string): boolean => /^application\/json$|\+json$|^text\/json$/.test(media);

function parseShallow(text: string): unknown {
  try {
    return nestsDeeper(text, MAX_DEPTH) ? text : JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * A copy of a JSON value with `edit` applied to every string and key, without what breaks the stores behind it:
 * NUL and lone surrogates (Postgres refuses them), `__proto__` keys.
 */
export function cleanse(value: unknown, edit: (text: string) => string): unknown {
  if (typeof value === 'string') return edit(value.replaceAll(NUL, '\uFFFD').replace(LONE_SURROGATE, '\uFFFD'));
  if (Array.isArray(value)) return value.map((inner) => cleanse(inner, edit));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== '__proto__');
  return Object.fromEntries(entries.map(([key, inner]) => [String(cleanse(key, edit)), cleanse(inner, edit)]));
}
