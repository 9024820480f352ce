import { describe, expect, it } from 'vitest';
import { caseKey, deterministicId, isTenantId, isUuid, traceparentOf } from './ids.js';

describe('a deterministic id', () => {
  it('is the same for the same parts, for ever', () => {
    expect(deterministicId('cause', 'triage', 0)).toBe('6682e66d-664b-8d5d-b29d-cd5f91928a01');
  });

  it('differs when any part differs, or the parts are cut elsewhere', () => {
    const ids = [
      ['a', 'b', 0],
      ['a', 'b', 1],
      ['a', 'c', 0],
      ['ab', '', 0],
      ['', 'ab', 0],
      ['a', 'b', 0, ''],
    ];
    expect(new Set(ids.map((parts) => deterministicId(...parts))).size).toBe(ids.length);
  });

  it('is a UUID of version 8', () => {
    for (let index = 0; index < 200; index++) {
      expect(deterministicId('cause', index)).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
  });
});

it.each([
  ['0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d', true],
  ['0B8F5C1E-8A55-4F0E-9D3C-2F1E6A7B8C9D', false],
  ['0b8f5c1e8a554f0e9d3c2f1e6a7b8c9d', false],
  ['{0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d}', false],
  ['0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d\n', false],
  ['', false],
])('%j is a UUID as ids are written here: %s', (text, expected) => {
  expect(isUuid(text)).toBe(expected);
});

it.each([
  ['demo', true],
  ['Acme_2-eu', true],
  ['0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['-demo', false],
  ['a:b', false],
  ['a,b', false],
  ['../demo', false],
  ['~system', false],
  ['demo\u0000', false],
])('%j is a tenant id: %s', (text, expected) => {
  expect(isTenantId(text)).toBe(expected);
});

it('the key of a case begins with its tenant', () => {
  expect(caseKey('demo', '0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d')).toBe('demo:0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d');
});

it('a trace context is kept only as W3C writes it', () => {
  const good = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  expect(traceparentOf(good)).toBe(good);
  expect([undefined, 7, '', `${good} `, `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`].map(traceparentOf)).toEqual(
    Array(5).fill(null),
  );
});
