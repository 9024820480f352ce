import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { callOf, never } from '../testing/blocks.js';
import { BLOCK_CODES } from './errors.js';
import { createBlocks } from './registry.js';

const blocks = createBlocks({ http: { resolveSecret: () => null }, fs: { root: tmpdir() } });

test('blocks are found by the names that packs use', () => {
  expect([...blocks.keys()]).toEqual(['http.request', 'fs.put', 'fs.get']);
  for (const [name, block] of blocks) expect(block.name).toBe(name);
});

test('loopback is out of reach unless an option says otherwise', async () => {
  const outcome = await blocks.get('http.request')?.perform(callOf({ url: 'http://127.0.0.1/' }), never);
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'EGRESS_BLOCKED' } });
});

test('every code has a number of the assignment contract', () => {
  const numbers = new Set([1001, 1002, 1003, 2001, 2002, 2003, 2004, 3001, 3002, 3003, 4001, 4002, 5001, 5002]);
  for (const [code, facts] of Object.entries(BLOCK_CODES)) expect(numbers, code).toContain(facts.errorNumber);
});
