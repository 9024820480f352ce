import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it, vi } from 'vitest';
import { type InflightRequest, PATCHED_VERSION, patchRequestQueue, type RequestQueue } from './patch.js';

const require = createRequire(import.meta.url);

interface Internals extends RequestQueue {
  pending: object[];
  throttledUntil: number;
  inflight: Map<number, InflightRequest>;
  maxInFlightRequests: number;
  readonly throttleCheckTimeoutId: NodeJS.Timeout | null;
  destroy(): void;
}

function createQueue(isConnected = () => true): Internals {
  patchRequestQueue();
  const RequestQueue: new (options: object) => Internals = require('kafkajs/src/network/requestQueue');
  const logger = { debug: () => undefined };
  return new RequestQueue({
    logger,
    maxInFlightRequests: 1,
    requestTimeout: 5_000,
    enforceRequestTimeout: true,
    isConnected,
  });
}

const request = () => ({ sentAt: Date.now(), requestTimeout: 5_000, timeoutRequest: vi.fn() });

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
  queue.inflight.set(1, request());
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
});

it('a request without an answer has timed out a second after its time at the latest, on a connection that nothing else wakes up', () => {
  vi.useFakeTimers();
  try {
    let connected = true;
    const queue = createQueue(() => connected);
    queue.scheduleRequestTimeoutCheck();
    const late = request();
    queue.inflight.set(1, late);
    vi.advanceTimersByTime(5_000);
    expect(late.timeoutRequest).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    expect(late.timeoutRequest).toHaveBeenCalledOnce();
    connected = false;
    vi.advanceTimersByTime(1_000);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
