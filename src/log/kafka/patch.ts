/**
 * Stops the idle spin of kafkajs 2.2.4: every connection reschedules an empty check about each millisecond, 3 % of a
 * CPU while nothing happens, and on Node 24 a `TimeoutNegativeWarning` with it. The check is needed only while
 * requests wait or the broker throttles.
 *
 * And folds a record's headers in linear time: kafkajs copies all earlier ones for each, so that one record with
 * 10,000 headers holds the process for longer than its session lasts, at every attempt, and its partition for ever.
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
}

type Header = { readonly key: string; readonly value: Buffer };
type Headers = Record<string, Buffer | Buffer[]>;

/** The part of kafkajs' Decoder that the patch looks at; its array reader is only used for headers. */
export interface Decoder {
  readVarInt(): number;
  readVarIntArray(read: (decoder: Decoder) => Header): { reduce(): Headers };
}

const MOST_HEADERS = 256; // more than an event may have; the rest is read and dropped

const require = createRequire(import.meta.url);
const patched = new WeakSet<object>();

export function isForInstalled(): boolean {
  const { version }: { version: string } = require('kafkajs/package.json');
  return version === PATCHED_VERSION;
}

/** Patches once per process; false when the installed kafkajs is another version than the patch is for. */
export function patchHeaders(): boolean {
  if (!isForInstalled()) return false;
  const { prototype }: { prototype: Decoder } = require('kafkajs/src/protocol/decoder');
  if (patched.has(prototype)) return true;
  patched.add(prototype);
  prototype.readVarIntArray = function readHeaders(this: Decoder, read) {
    const length = this.readVarInt();
    const found = new Map<string, Buffer | Buffer[]>();
    for (let i = 0; i < length; i++) {
      const { key, value } = read(this);
      if (i >= MOST_HEADERS) continue;
      const before = found.get(key);
      found.set(key, before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value]);
    }
    return { reduce: () => Object.fromEntries(found) };
  };
  return true;
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
  return true;
}
