import { describe, expect, it } from 'vitest';
import { documentsOf } from './documents.js';

/** The documents of `text`, fed in chunks of `size` bytes. */
async function split(text: string, size: number): Promise<string[]> {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
  }
  const found: string[] = [];
  for await (const { text: document, place } of documentsOf(chunks())) found.push(`${place}: ${document}`);
  return found;
}

const CASES: readonly [string, string, readonly string[]][] = [
  ['nothing', ' \n ', []],
  ['one object', '{"a":1}', ['line 1: {"a":1}']],
  ['one object over several lines', '{\n  "a": [1,\n 2]\n}\n', ['item 1: {   "a": [1,  2] }']],
  ['a list', '[{"a":"],["}, {"b":"\\"}"} ,3]', ['item 1: {"a":"],["}', 'item 2: {"b":"\\"}"}', 'item 3: 3']],
  ['an empty list', ' [ ] ', []],
  ['one a line', '{"a":1}\r\n\n{"a":"é"}\n', ['line 1: {"a":1}', 'line 3: {"a":"é"}']],
  [
    'one a line, one of them broken',
    '{"a":1}\n{"a":\n{"b":2}',
    ['line 1: {"a":1}', 'line 2: {"a":', 'line 3: {"b":2}'],
  ],
  [
    'objects one after the other',
    '{\n"a":1}{"b":2}\n\n{"c":{}}',
    ['item 1: { "a":1}', 'item 2: {"b":2}', 'item 3: {"c":{}}'],
  ],
  ['big numbers, as they are', '[{"id":12345678901234567890}]', ['item 1: {"id":12345678901234567890}']],
  ['no JSON at all', 'hello\nworld', ['item 1: hello world']],
  ['something behind a list', '[1] x', ['item 1: 1', 'item 2: x']],
];

describe('documents of a file', () => {
  it.each(CASES)('%s', async (_, text, wanted) => {
    for (const size of [1, 3, 1_000]) expect(await split(text, size)).toEqual(wanted);
  });

  it.each(['[{"a":1},', '[{"a":1}', '{"a":', '["x'])('a file that ends too early is told: %s', async (text) => {
    await expect(split(text, 1_000)).rejects.toMatchObject({ problem: { code: 'JSON_TRUNCATED' } });
  });

  it('bytes that are no text are refused', async () => {
    async function* bytes() {
      yield Buffer.from([0x7b, 0xff, 0x7d]);
    }
    await expect(documentsOf(bytes()).next()).rejects.toThrow(TypeError);
  });
});
