import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { type Decoder, PATCHED_VERSION, patchHeaders, patchRequestQueue, type RequestQueue } from './patch.js';

const require = createRequire(import.meta.url);

interface Internals extends RequestQueue {
  pending: object[];
  throttledUntil: number;
  inflight: Map<number, object>;
  maxInFlightRequests: number;
  readonly throttleCheckTimeoutId: NodeJS.Timeout | null;
  destroy(): void;
}

function createQueue(): Internals {
  patchRequestQueue();
  const RequestQueue: new (options: object) => Internals = require('kafkajs/src/network/requestQueue');
  return new RequestQueue({ logger: { debug: () => undefined }, maxInFlightRequests: 1 });
}

it('is made for the kafkajs that is installed', () => {
  const { version }: { version: string } = require('kafkajs/package.json');
  expect(version).toBe(PATCHED_VERSION);
  expect(patchRequestQueue()).toBe(true);
  expect(patchHeaders()).toBe(true);
  const source = readFileSync(require.resolve('kafkajs/src/network/requestQueue'));
  // Another text may need another patch, or none: read it again before this line is changed.
  expect(createHash('sha256').update(source).digest('hex')).toMatchInlineSnapshot(
    `"b55986089c14f8f7bfc377922e2e65b3e4c1e7c7af2752d3b10a75dfe9e9260c"`,
  );
});

it('leaves an idle connection without a timer', () => {
  const queue = createQueue();
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
});

it.each([
  ['requests wait', { pending: [{}], throttledUntil: -1 }],
  ['the broker throttles', { pending: [], throttledUntil: Date.now() + 60_000 }],
])('keeps the timer while %s', (_, state) => {
  const queue = Object.assign(createQueue(), state);
  queue.inflight.set(1, {});
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
});

interface Encoder {
  readonly buffer: Buffer;
  writeVarIntArray(list: readonly object[]): Encoder;
}

/** The headers as kafkajs reads them after it has written them. */
function roundTrip(headers: readonly (readonly [string, string])[]): object {
  patchHeaders();
  const encodeHeader: (header: object) => object = require('kafkajs/src/protocol/recordBatch/header/v0');
  const Encoder: new () => Encoder = require('kafkajs/src/protocol/encoder');
  const Decoder: new (bytes: Buffer) => Decoder = require('kafkajs/src/protocol/decoder');
  const readHeader: Parameters<
    Decoder['readVarIntArray']
  >[0] = require('kafkajs/src/protocol/recordBatch/header/v0/decoder');
  const { buffer } = new Encoder().writeVarIntArray(headers.map(([key, value]) => encodeHeader({ key, value })));
  return new Decoder(buffer).readVarIntArray(readHeader).reduce();
}

it('headers arrive as they were sent, a repeated one as a list', () => {
  const told = roundTrip([
    ['a', '1'],
    ['b', '2'],
    ['__proto__', '3'],
    ['b', '4'],
    ['b', '5'],
  ]);
  expect(Object.entries(told).map(([key, value]) => [key, String(value)])).toEqual([
    ['a', '1'],
    ['b', '2,4,5'],
    ['__proto__', '3'],
  ]);
  expect(roundTrip([])).toEqual({});
});

it('a flood of headers takes no longer than it has bytes, and enough of it is kept to be refused', () => {
  const flood = Array.from({ length: 100_000 }, (_, i) => [`x-${i}`, 'y'] as const);
  const told = Object.keys(roundTrip(flood)); // kafkajs alone needs an hour
  expect(told.length).toBeGreaterThan(64);
  expect(told.length).toBeLessThan(1_000);
});
