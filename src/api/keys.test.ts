import { describe, expect, it } from 'vitest';
import { hashSecret, makeKey, parseKey, secretMatches } from './keys.js';

const zeros = (bytes: number) => Buffer.alloc(bytes);

describe('an API key', () => {
  it('has the form mr.tenant.id.secret, and only the hash of its secret is for keeping', () => {
    const made = makeKey('acme', zeros);
    expect(made.key).toBe(`mr.acme.${'A'.repeat(12)}.${'A'.repeat(43)}`);
    expect(made.keyId).toBe('A'.repeat(12));
    expect(made.secretHash).toBe(hashSecret('A'.repeat(43)));
    expect(made.secretHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('comes apart into what it was made of', () => {
    const { key, keyId, secretHash } = makeKey('acme-1');
    const parts = parseKey(key);
    expect(parts).toMatchObject({ tenantId: 'acme-1', keyId });
    expect(hashSecret(parts?.secret ?? '')).toBe(secretHash);
  });

  it('is another one every time', () => {
    expect(makeKey('acme').key).not.toBe(makeKey('acme').key);
  });

  it('is not made for what is no tenant', () => {
    expect(() => makeKey('a.b')).toThrow(TypeError);
  });

  it.each([
    '',
    'mr',
    'mr.acme.AAAAAAAAAAAA',
    `mx.acme.${'A'.repeat(12)}.${'A'.repeat(43)}`,
    `mr.a,b.${'A'.repeat(12)}.${'A'.repeat(43)}`,
    `mr.acme.${'A'.repeat(11)}.${'A'.repeat(43)}`,
    `mr.acme.${'A'.repeat(12)}.${'A'.repeat(42)}`,
    `mr.acme.${'A'.repeat(12)}.${'A'.repeat(43)}.x`,
  ])('is not read from %j', (text) => {
    expect(parseKey(text)).toBeNull();
  });

  it('matches only the hash of its own secret', () => {
    expect(secretMatches('right', hashSecret('right'))).toBe(true);
    expect(secretMatches('wrong', hashSecret('right'))).toBe(false);
    expect(secretMatches('', null)).toBe(false);
    expect(secretMatches('right', 'no hash')).toBe(false);
  });
});
