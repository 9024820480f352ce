import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { classifyStoreError, StaleVersionError, StoreError, wrapStoreError } from './errors.js';

const withCode = (code: string) => Object.assign(new Error('duplicate key value "hunter2"'), { code });

describe('an error of the database', () => {
  it.each([
    ['transient', ['08006', '53100', '53300', '57P01', '57P03', '57014', '25006', '25P03', '58030']],
    ['transient', ['ECONNREFUSED', 'ECONNRESET', 'CONNECTION_CLOSED', 'CONNECT_TIMEOUT', 'EPIPE']],
    ['conflict', ['40001', '40P01', '55P03']],
    ['data', ['22P02', '22P05', '22003', '23502', '23505', '23503']],
    ['fatal', ['28P01', '3D000', '42P01', 'XX001']],
    ['bug', ['42601', '42501', '0A000']],
  ])('is %s', (kind, codes) => {
    for (const code of codes) expect(classifyStoreError(withCode(code)), code).toBe(kind);
  });

  it('is a bug when it is none of the database', () => {
    expect(classifyStoreError(new TypeError('x is undefined'))).toBe('bug');
    expect(classifyStoreError(withCode('ERR_INVALID_ARG_TYPE'))).toBe('bug');
    expect(classifyStoreError('a string')).toBe('bug');
    expect(classifyStoreError(null)).toBe('bug');
  });

  it('keeps its kind when it is wrapped, and shows no value that it was about', () => {
    const wrapped = wrapStoreError(
      Object.assign(withCode('23505'), { constraint_name: 'cases_open', query: 'hunter2' }),
    );
    expect(wrapped).toBeInstanceOf(StoreError);
    expect(classifyStoreError(wrapped)).toBe('data');
    expect((wrapped as StoreError).sqlstate).toBe('23505');
    expect((wrapped as Error).message).toBe('The database refused it by cases_open (23505: it exists already).');
    const shown = [inspect(wrapped, { depth: 9, showHidden: true }), JSON.stringify(wrapped), String(wrapped)].join();
    expect(shown).not.toContain('hunter2');
    expect((wrapped as StoreError).original()).toBeInstanceOf(Error);
    expect(wrapStoreError(wrapped)).toBe(wrapped);
  });

  it('says where, as far as it is known', () => {
    const at = (more: object, code = '23502') => (wrapStoreError(Object.assign(withCode(code), more)) as Error).message;
    expect(at({ table_name: 'waits' })).toBe('The database refused it in waits (23502: a value is missing).');
    expect(at({ table: 'waits', constraint: 'w_pk' })).toContain('by w_pk');
    expect(at({}, '42601')).toBe('The database refused it (42601).');
    expect(at({}, 'ECONNREFUSED')).toBe('The connection to the database failed (ECONNREFUSED).');
  });

  it('is known inside the one that drizzle makes of it, whose message holds the statement and its values', () => {
    const drizzles = (cause: unknown) => new Error('Failed query: select 1\nparams: hunter2', { cause });
    for (const cause of [withCode('CONNECTION_CLOSED'), { code: 'CONNECTION_CLOSED' }]) {
      const wrapped = wrapStoreError(drizzles(cause));
      expect(classifyStoreError(wrapped)).toBe('transient');
      expect(classifyStoreError(drizzles(cause))).toBe('transient');
      expect(inspect(wrapped, { depth: 9, showHidden: true })).not.toContain('hunter2');
    }
    const ours = new StaleVersionError();
    expect(wrapStoreError(drizzles(ours))).toBe(ours);
    const other = drizzles(new TypeError('x'));
    expect(wrapStoreError(other)).toBe(other);
  });

  it('of another kind passes as it is', () => {
    const error = new TypeError('x');
    expect(wrapStoreError(error)).toBe(error);
  });

  it('is a conflict when a row had another version', () => {
    expect(classifyStoreError(new StaleVersionError())).toBe('conflict');
  });
});
