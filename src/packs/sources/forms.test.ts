/** What senders without a kind of their own send, by a map: see `fixtures/README.md` for where each form is documented. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NormalizedException } from '../../core/records.js';
import { packOf } from '../../testing/packs.js';
import { normalizeItem, readRecord, splitSource } from '../index.js';
import type { CompiledPack, SourceItem } from '../types.js';

const AT = '2026-06-01T10:00:00.000Z';

interface Form {
  readonly name: string;
  readonly origin?: string; // of one that its sender or another wrote: where it is documented
  readonly source: string; // as sources.yaml has it
  readonly headers: Readonly<Record<string, string>>;
  readonly expect: Partial<NormalizedException> & { readonly resolve: boolean };
}
interface Hook extends Form {
  readonly body: unknown;
  readonly over: unknown; // says that it is over
}
interface Topic extends Form {
  readonly key: string | null;
  readonly value?: unknown;
  readonly text?: string; // a value that is no JSON
  readonly bytes?: string; // a value that is no text, in base64
}
const bytesOf = ({ value, text, bytes }: Topic): Buffer =>
  bytes === undefined ? Buffer.from(text ?? JSON.stringify(value)) : Buffer.from(bytes, 'base64');

const read = (file: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', file), 'utf8'));
const packWith = (source: string): CompiledPack =>
  packOf({
    'pack.yaml': 'name: acme\nseverities: { Highest: critical }\n',
    'sources.yaml': `sources:\n  events: { kind: cloudevents }\n  s: ${source}\n`,
  });
const told = (pack: CompiledPack, items: readonly SourceItem[]) =>
  items.map((item) => ({ ...normalizeItem(pack, 's', { ...item, fingerprint: 'f' }, AT), resolve: item.resolve }));

describe('what a hook without a kind of its own gets', () => {
  it.each(read('json.json') as readonly Hook[])('$name', ({ source, headers, body, over, expect: expected }) => {
    const pack = packWith(source);
    const split = (sent: unknown) => splitSource(pack, 's', { body: sent, headers, receivedAt: AT });
    const { items, problems } = split(body);
    expect(problems).toEqual([]);
    expect(told(pack, items)).toMatchObject([expected]);
    expect(split(over).items).toMatchObject([{ resolve: true, fingerprint: items[0]?.fingerprint }]);
  });
});

describe('what a topic carries', () => {
  it.each(read('kafka.json') as readonly Topic[])('$name', (sent) => {
    const { source, headers, key, expect: expected } = sent;
    const pack = packWith(source);
    const record = { topic: 't', partition: 0, offset: 7, key, headers, value: bytesOf(sent) };
    const result = readRecord(pack, 's', record, AT);
    expect(result).not.toHaveProperty('problem');
    expect(told(pack, 'items' in result ? result.items : [])).toMatchObject([expected]);
  });
});
