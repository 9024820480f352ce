import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EVENTS, type EventType } from './events.js';
import { exactCheck } from './exact.js';

/** A value of the schema, with all optional parts or with none. */
function sample(schema: z.core.$ZodType, full: boolean): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'string':
      return schema instanceof z.ZodUUID ? '01a2009d-81a1-7557-9a14-d788d5ed86c0' : 'text';
    case 'number':
      return 1;
    case 'boolean':
      return true;
    case 'enum':
      return Object.values(def.entries)[0];
    case 'literal':
      return def.values[0];
    case 'nullable':
      return full ? sample(def.innerType, full) : null;
    case 'optional':
      return sample(def.innerType, full);
    case 'array':
      return full ? [sample(def.element, full), sample(def.element, full)] : [];
    case 'record':
      return full ? { a: sample(def.valueType, full) } : {};
    case 'object': {
      const parts = Object.entries(def.shape).filter(([, one]) => full || one._zod.def.type !== 'optional');
      return Object.fromEntries(parts.map(([key, one]) => [key, sample(one, full)]));
    }
    default:
      return { any: ['thing'] };
  }
}

const WRONG = [undefined, null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, Number.POSITIVE_INFINITY, '', 'wrong', [], {}, [1]];

/** The value with one of its parts changed, in every way. */
function* spoiled(value: unknown): Generator<unknown> {
  yield* WRONG;
  if (typeof value !== 'object' || value === null) return;
  yield { ...value, more: 1 };
  yield JSON.parse(`{"__proto__":1,${JSON.stringify({ ...value }).slice(1)}`.replace(',}', '}'));
  for (const key of Object.keys(value)) {
    const { [key as never]: part, ...others } = value;
    if (!Array.isArray(value)) yield others;
    for (const other of spoiled(part)) {
      if (Array.isArray(value)) yield value.map((one, i) => (String(i) === key ? other : one));
      else yield { ...value, [key]: other };
    }
  }
}

const TYPES = Object.keys(EVENTS) as EventType[];

describe.each(TYPES)('the data of %s', (type) => {
  const { data } = EVENTS[type];
  const check = exactCheck(data) as (value: unknown) => boolean;

  it.each([true, false])('is exact as its stage writes it (optional parts: %s)', (full) => {
    expect(check(sample(data, full))).toBe(true);
  });

  it('is exact only where parsing gives the same back', () => {
    for (const value of [...spoiled(sample(data, true)), ...spoiled(sample(data, false))]) {
      if (!check(value)) continue;
      const parsed = data.safeParse(value);
      if (!parsed.success || !isDeepStrictEqual(parsed.data, value)) expect(value).toBe(parsed);
    }
  });
});

it.each([
  ['a choice of shapes', z.union([z.string(), z.number()])],
  ['a text by a pattern', z.string().regex(/a/)],
  ['an address', z.email()],
  ['a text that is changed', z.string().trim()],
  ['a number of another format', z.float32()],
  ['a list of a certain length', z.array(z.string()).min(1)],
  ['an object that keeps what is not named', z.looseObject({})],
  ['an object of such', z.object({ a: z.union([z.string()]) })],
  ['a list of such', z.array(z.email())],
  ['such or null', z.email().nullable()],
  ['keys of a certain form', z.record(z.string().min(2), z.string())],
  ['keys of a list', z.record(z.enum(['a']), z.string())],
  ['values of such', z.record(z.string(), z.email())],
  ['an object with a condition', z.object({ a: z.string() }).refine(() => true)],
])('%s must be parsed', (_, schema) => {
  expect(exactCheck(schema)).toBeUndefined();
});

it.each([
  [z.number().min(0).max(1), [0, 0.5, 1], [-0.1, 1.1, Number.NaN, '1']],
  [z.number().gt(0).lt(1), [0.5], [0, 1]],
  [z.int32(), [-(2 ** 31), 0, 2 ** 31 - 1], [2 ** 31, 0.5]],
  [z.number().int(), [2 ** 53 - 1], [2 ** 53, 0.5]],
  [z.string().min(2), ['ab'], ['a', ['a', 'b']]],
  [z.literal([1, 'a']), [1, 'a'], ['1', null]],
])('limits are those of the schema', (schema, exact, others) => {
  const check = exactCheck(schema) as (value: unknown) => boolean;
  for (const value of exact)
    expect([value, check(value), schema.safeParse(value).success]).toEqual([value, true, true]);
  for (const value of others)
    expect([value, check(value), schema.safeParse(value).success]).toEqual([value, false, false]);
});
