/**
 * A schema as a plain function: whether a value is valid and has nothing that parsing would leave away or change, so that
 * it may be used as it is. Of a thousand events one or none is not; that one is parsed, and its problem told.
 */
import type { z } from 'zod';
import { isObject } from './json.js';

type Check = (value: unknown) => boolean;
type Schema = z.core.$ZodType;
type Def<T extends { readonly _zod: { readonly def: unknown } }> = T['_zod']['def'];

/** Undefined where the schema has a part that is not known here: its values must be parsed. */
export function exactCheck(schema: Schema): Check | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'string':
      return narrowed((value) => typeof value === 'string', schema);
    case 'number':
      return narrowed(Number.isFinite, schema);
  }
  if (def.checks?.length) return undefined;
  switch (def.type) {
    case 'unknown':
      return () => true;
    case 'boolean':
      return (value) => typeof value === 'boolean';
    case 'enum':
      return oneOf(Object.values(def.entries));
    case 'literal':
      return oneOf(def.values);
    case 'nullable':
      return orNull(exactCheck(def.innerType));
    case 'array':
      return arrayCheck(exactCheck(def.element));
    case 'record':
      return recordCheck(def);
    case 'object':
      return objectCheck(def);
    default:
      return undefined;
  }
}

function oneOf(values: readonly unknown[]): Check {
  const allowed = new Set(values);
  return (value) => allowed.has(value);
}

const orNull = (check: Check | undefined): Check | undefined => check && ((value) => value === null || check(value));

const arrayCheck = (element: Check | undefined): Check | undefined =>
  element && ((value) => Array.isArray(value) && value.every(element));

function recordCheck({ keyType, valueType }: Def<z.core.$ZodRecord>): Check | undefined {
  const check = exactCheck(valueType);
  const { type, checks } = (keyType as z.core.$ZodTypes)._zod.def;
  if (check === undefined || type !== 'string' || checks?.length) return undefined;
  return (value) => {
    if (!isObject(value)) return false;
    for (const key in value) if (key === '__proto__' || !check(value[key])) return false;
    return true;
  };
}

function objectCheck({ shape, catchall }: Def<z.core.$ZodObject>): Check | undefined {
  if (catchall !== undefined) return undefined;
  const parts: Record<string, { readonly check: Check; readonly needed: number }> = Object.create(null);
  let needed = 0;
  for (const [key, schema] of Object.entries(shape)) {
    const def = (schema as z.core.$ZodTypes)._zod.def;
    const optional = def.type === 'optional';
    const check = exactCheck(optional ? def.innerType : schema);
    if (check === undefined) return undefined;
    parts[key] = { check, needed: optional ? 0 : 1 };
    if (!optional) needed++;
  }
  return (value) => {
    if (!isObject(value)) return false;
    let had = 0;
    for (const key in value) {
      const part = parts[key];
      if (part === undefined || !part.check(value[key])) return false;
      had += part.needed;
    }
    return had === needed;
  };
}

/** A value of this type that has all that the schema asks of it besides. */
function narrowed(isOfType: Check, schema: Schema): Check | undefined {
  let check: Check = isOfType;
  for (const { _zod } of [schema, ...(schema._zod.def.checks ?? [])]) {
    const def = _zod.def as Partial<Def<z.core.$ZodChecks>>;
    if (def.check === undefined) continue; // the schema itself, without a format
    const one = narrowing(def as Def<z.core.$ZodChecks>);
    if (one === undefined) return undefined;
    const before = check;
    check = (value) => before(value) && one(value as never);
  }
  return check;
}

function narrowing(def: Def<z.core.$ZodChecks>): ((value: never) => boolean) | undefined {
  switch (def.check) {
    case 'min_length':
      return (value: string) => value.length >= def.minimum;
    case 'string_format': {
      const { format, pattern } = def;
      return format === 'uuid' && pattern ? (value: string) => pattern.test(value) : undefined;
    }
    case 'number_format':
      if (def.format === 'safeint') return Number.isSafeInteger;
      return def.format === 'int32' ? (value: number) => (value | 0) === value : undefined;
    case 'greater_than':
      return (value: number) => value > Number(def.value) || (def.inclusive && value === def.value);
    case 'less_than':
      return (value: number) => value < Number(def.value) || (def.inclusive && value === def.value);
    default:
      return undefined;
  }
}
