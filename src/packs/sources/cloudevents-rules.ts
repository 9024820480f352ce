/** What the specification of CloudEvents 1.0 and its JSON format ask of an event. */
import type { Problem } from '../../core/errors.js';
import { isObject, type JsonObject } from '../../core/json.js';
import { parseTime } from './values.js';

const NAME = /^[a-z0-9]+$/;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+*-]+\s*(?:;.*)?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const URI_REFERENCE = /^(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[\dA-Fa-f]{2})+$/;
const SCHEME = /^[A-Za-z][A-Za-z\d+.-]*:/;
/** Control characters, halves of surrogate pairs, and what Unicode will never give a meaning. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const REQUIRED = ['id', 'source', 'type'] as const;
const LEAST_INTEGER = -(2 ** 31);
const MOST_INTEGER = 2 ** 31 - 1;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Whether a value can be one of the two attributes that are addresses (RFC 3986). */
export const isAddress = (name: 'source' | 'dataschema', value: unknown): boolean =>
  isText(value) && URI_REFERENCE.test(value) && (name === 'source' || SCHEME.test(value));

/** Attributes that may be left out (or null), and what they must be otherwise. */
const OPTIONAL: Readonly<Record<string, readonly [(value: unknown) => boolean, string]>> = {
  subject: [isText, 'must be text, and not empty'],
  dataschema: [(value) => isAddress('dataschema', value), 'must be an address with its scheme, as `https://…`'],
  datacontenttype: [(value) => isText(value) && MEDIA_TYPE.test(value), 'must be a media type, as `text/plain`'],
  time: [(value) => parseTime(value) !== undefined, 'must be a time of RFC 3339 between 2000 and 2100'],
  data_base64: [(value) => typeof value === 'string' && BASE64.test(value), 'must be base64'],
};

const KNOWN = new Set(['specversion', 'data', ...REQUIRED, ...Object.keys(OPTIONAL)]);
/** What is held to a form that leaves no room for a forbidden character, or is no attribute. */
const OF_A_FORM = new Set(['specversion', 'source', 'dataschema', 'time', 'data', 'data_base64']);

/** Every rule that an event breaks. */
export function eventProblems(event: unknown, path: string): Problem[] {
  if (!isObject(event)) {
    const hint = 'Send {"specversion": "1.0", "id": …, "source": …, "type": …}.';
    return [{ code: 'ITEM_INVALID', message: 'An event must be a JSON object.', path: path || '(the document)', hint }];
  }
  const problem = (key: string, message: string, hint: string): Problem => {
    return { code: 'CLOUDEVENT_INVALID', message, path: path === '' ? key : `${path}.${key}`, hint };
  };
  return [...requiredProblems(event, problem), ...optionalProblems(event, problem), ...nameProblems(event, problem)];
}

type Tell = (key: string, message: string, hint: string) => Problem;

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 100);

function* requiredProblems(event: JsonObject, problem: Tell): Generator<Problem> {
  for (const key of REQUIRED) {
    if (isText(event[key])) continue;
    const hint = 'CloudEvents 1.0 requires id, source, type and specversion.';
    yield problem(key, `The attribute \`${key}\` is missing, or not text.`, hint);
  }
  if (isText(event.source) && !isAddress('source', event.source)) {
    const hint = 'Send a URI or a part of one, as `/desk/7`; what it may not hold is encoded (a space is `%20`).';
    yield problem('source', `\`source\` must be an address, not ${shown(event.source)}.`, hint);
  }
  if (event.specversion === '1.0') return;
  yield problem(
    'specversion',
    `The version ${shown(event.specversion ?? null)} is not 1.0.`,
    'Send events of version 1.0.',
  );
}

function* optionalProblems(event: JsonObject, problem: Tell): Generator<Problem> {
  for (const [key, [isRight, says]] of Object.entries(OPTIONAL)) {
    const value = event[key];
    if (value === undefined || value === null || isRight(value)) continue;
    yield problem(key, `\`${key}\` ${says}, not ${shown(value)}.`, 'Correct it, or leave it out.');
  }
  if (event.data === undefined || event.data_base64 === undefined || event.data_base64 === null) return;
  yield problem('data_base64', 'An event has `data` or `data_base64`, not both.', 'Leave one of them out.');
}

function* nameProblems(event: JsonObject, problem: Tell): Generator<Problem> {
  for (const [key, value] of Object.entries(event)) {
    const found = typeof value === 'string' && !OF_A_FORM.has(key) ? FORBIDDEN.exec(value) : null;
    if (found !== null) {
      yield problem(key, `\`${key}\` holds the character ${codePoint(found[0])}.`, 'Remove it before sending.');
    }
    if (KNOWN.has(key)) continue;
    if (!NAME.test(key)) {
      const hint = 'Use small letters and digits only.';
      yield problem(key, `\`${key}\` cannot be the name of an attribute.`, hint);
    } else if (!isAttributeValue(value)) {
      const hint = 'Put anything else into `data`.';
      yield problem(key, `\`${key}\` must be text, true or false, or a whole number of 32 bits.`, hint);
    }
  }
}

const codePoint = (char: string): string =>
  `U+${Number(char.codePointAt(0)).toString(16).toUpperCase().padStart(4, '0')}`;

const isAttributeValue = (value: unknown): boolean =>
  value === null || typeof value === 'boolean' || typeof value === 'string' || isInteger(value);

const isInteger = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= LEAST_INTEGER && value <= MOST_INTEGER;
