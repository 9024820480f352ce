import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { PATCHED_VERSION, patchRequestQueue, type RequestQueue } from './patch.js';

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
