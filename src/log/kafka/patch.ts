/**
 * Stops the idle spin of kafkajs 2.2.4: every connection reschedules an empty check about each millisecond, 3 % of a
 * CPU while nothing happens, and on Node 24 a `TimeoutNegativeWarning` with it. The check is needed only while
 * requests wait or the broker throttles. Every connection also looks ten times a second for requests without an answer,
 * whose time is counted in seconds.
 *
 * Later versions are left alone: what they do is not known here.
 */
import { createRequire } from 'node:module';

export const PATCHED_VERSION = '2.2.4';

/** The part of kafkajs' RequestQueue that the patch looks at. */
export interface RequestQueue {
  readonly pending: readonly object[];
  readonly throttledUntil: number; // epoch ms
  scheduleCheckPendingRequests(): void;
  readonly enforceRequestTimeout: boolean;
  readonly requestTimeout: number; // ms
  readonly inflight: ReadonlyMap<number, InflightRequest>;
  requestTimeoutIntervalId: NodeJS.Timeout | null;
  isConnected(): boolean;
  scheduleRequestTimeoutCheck(): void;
  destroy(): void; // ends the look
}

export interface InflightRequest {
  readonly sentAt: number; // epoch ms
  readonly requestTimeout: number; // ms
  timeoutRequest(): void;
}

const TIMEOUT_LOOK_MS = 1_000;

const require = createRequire(import.meta.url);
const patched = new WeakSet<object>();

export function isForInstalled(): boolean {
  const { version }: { version: string } = require('kafkajs/package.json');
  return version === PATCHED_VERSION;
}

/** Patches once per process; false when the installed kafkajs is another version than the patch is for. */
export function patchRequestQueue(): boolean {
  if (!isForInstalled()) return false;
  const queue: { prototype: RequestQueue } = require('kafkajs/src/network/requestQueue');
  const prototype = queue.prototype;
  if (patched.has(prototype)) return true;
  patched.add(prototype);
  const original = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded(this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) original.call(this);
  };
  prototype.scheduleRequestTimeoutCheck = scheduleRequestTimeoutCheck;
  return true;
}

function scheduleRequestTimeoutCheck(this: RequestQueue): void {
  if (!this.enforceRequestTimeout) return;
  this.destroy();
  const look = () => {
    for (const request of this.inflight.values()) {
      if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest();
    }
    if (!this.isConnected()) this.destroy();
  };
  this.requestTimeoutIntervalId = setInterval(look, Math.min(this.requestTimeout, TIMEOUT_LOOK_MS));
}
