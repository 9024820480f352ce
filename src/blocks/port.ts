/**
 * What executes a tool call. The runtime knows blocks only by this port; entry points make them (`createBlocks`).
 * Connections and inputs are plain JSON, already interpolated; a block validates what it reads.
 */
import type { StopSignal } from '../core/stop.js';
import type { CallEffect } from '../core/work.js';

/** `secret://name`: resolved when the call is made, never before, and redacted from everything that comes back. */
export type SecretReference = string;

export type HttpAuth =
  | { readonly bearer: SecretReference }
  | { readonly basic: { readonly user: string; readonly password: SecretReference } }
  | { readonly header: { readonly name: string; readonly value: SecretReference } };

/** A tenant's way to one outside system. Its auth is sent to the origin of `base` only. */
export interface HttpConnection {
  readonly kind: 'http';
  readonly base: string; // `https://trades.internal/v1`; a call's `path` is appended to it
  readonly auth?: HttpAuth;
  readonly allowHosts?: readonly string[]; // besides base's own host: `host`, `host:port` or `*.example.com`
  readonly allowPorts?: readonly number[]; // besides 80, 443 and base's own port
}

export type Connection = HttpConnection;

export interface BlockCall {
  readonly tenantId: string;
  readonly caseId: string;
  readonly executionId: string;
  readonly attempt: number; // from 1
  readonly idempotencyKey: string; // the same on every attempt; sent to the outside
  readonly effect?: CallEffect; // as the tool declares it; absent: what the block knows by itself (by HTTP method)
  readonly input: unknown; // the tool's `with`, interpolated
  readonly connection: Connection | null;
  readonly timeoutMs: number; // the whole call, redirects and body included
  readonly traceparent?: string; // W3C trace context, passed on
}

export type BlockErrorClass =
  | 'network'
  | 'timeout'
  | '4xx'
  | '5xx'
  | '429'
  | 'invalid'
  | 'denied'
  | 'storage'
  | 'canceled'
  | 'internal';

export interface BlockError {
  readonly code: string; // `EGRESS_BLOCKED`; stable, never reworded
  readonly errorNumber: number; // 1001..5002, the numbers of the assignment contract
  readonly message: string; // what happened, secrets redacted
  readonly retryable: boolean; // the same call may be made again, with the same idempotency key
  readonly retryAfterMs?: number; // not earlier than this: the other side asked for it
  readonly class: BlockErrorClass;
  readonly detail?: unknown; // what the other side answered, cut to a few kilobytes
}

/** `unknown`: the effect may or may not have happened, and repeating could double it. A person decides. */
export type BlockOutcome =
  | { readonly kind: 'succeeded'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: BlockError }
  | { readonly kind: 'timeout'; readonly error: BlockError }
  | { readonly kind: 'unknown'; readonly error: BlockError };

export interface Block {
  readonly name: string; // `http.request`
  /** Never rejects: whatever goes wrong is an outcome. Aborting `signal` gives up the call (`CANCELED`). */
  perform(call: BlockCall, signal: StopSignal): Promise<BlockOutcome>;
  /** Releases what the block holds (sockets). Calls in flight fail. */
  close?(): Promise<void>;
}

/** The value of a tenant's secret, or null if that tenant has none of this name. */
export type ResolveSecret = (tenantId: string, name: string) => Promise<string | null> | string | null;
