import type { z } from 'zod';
import type { BlockError, BlockErrorClass, BlockOutcome } from './port.js';

interface CodeFacts {
  readonly errorNumber: number;
  readonly class: BlockErrorClass;
  readonly retryable: boolean;
}

const invalid = (errorNumber: number): CodeFacts => ({ errorNumber, class: 'invalid', retryable: false });
const denied = (errorNumber: number): CodeFacts => ({ errorNumber, class: 'denied', retryable: false });
const network = (errorNumber: number, retryable = true): CodeFacts => ({ errorNumber, class: 'network', retryable });
const storage = (errorNumber: number, retryable: boolean): CodeFacts => ({ errorNumber, class: 'storage', retryable });

/** Every code a block can give, with its number in the assignment contract. */
export const BLOCK_CODES = {
  PARAM_MISSING: invalid(1002),
  PARAM_UNKNOWN: invalid(1001),
  PARAM_INVALID: invalid(1003),
  CONNECTION_INVALID: invalid(1001),
  URL_INVALID: invalid(1003),
  URL_SCHEME: invalid(1003),
  URL_CREDENTIALS: invalid(1001),
  HEADER_INVALID: invalid(1003),
  HEADER_FORBIDDEN: invalid(1001),
  EGRESS_BLOCKED: denied(2003),
  SECRET_INLINE: denied(1001),
  SECRET_NOT_FOUND: denied(2003),
  SECRET_UNAVAILABLE: { errorNumber: 2002, class: 'internal', retryable: true },
  CONNECT_FAILED: network(3001),
  DNS_FAILED: network(3001),
  CONNECTION_RESET: network(3001),
  TLS_INVALID: network(3001, false),
  RESPONSE_INVALID: network(3001, false),
  RESPONSE_TOO_LARGE: invalid(2001),
  DECOMPRESSED_TOO_LARGE: invalid(2001),
  REDIRECT_LIMIT: { errorNumber: 3003, class: 'invalid', retryable: false },
  CONNECT_TIMEOUT: { errorNumber: 3002, class: 'timeout', retryable: true },
  TIMEOUT: { errorNumber: 5002, class: 'timeout', retryable: true },
  HTTP_CLIENT_ERROR: { errorNumber: 3003, class: '4xx', retryable: false },
  HTTP_RATE_LIMITED: { errorNumber: 3003, class: '429', retryable: true },
  HTTP_SERVER_ERROR: { errorNumber: 3003, class: '5xx', retryable: true },
  PATH_OUTSIDE: denied(2003),
  PATH_INVALID: invalid(1003),
  PATH_LINK: denied(2003),
  NOT_A_FILE: invalid(1001),
  FILE_NOT_FOUND: storage(2002, false),
  FILE_TOO_LARGE: invalid(1001),
  CONTENT_TOO_LARGE: invalid(1001),
  QUOTA_EXCEEDED: denied(2004),
  STORAGE_FULL: storage(2002, true),
  STORAGE_DENIED: storage(2003, false),
  STORAGE_ERROR: storage(2001, true),
  CANCELED: { errorNumber: 5001, class: 'canceled', retryable: true },
  INTERNAL: { errorNumber: 4001, class: 'internal', retryable: false },
} as const satisfies Record<string, CodeFacts>;

export type BlockCode = keyof typeof BLOCK_CODES;

/** Thrown inside a block to end the call; `perform` turns it into an outcome. */
export class BlockFault extends Error {
  readonly error: BlockError;
  constructor(code: BlockCode, message: string, more: Pick<BlockError, 'retryAfterMs' | 'detail'> = {}) {
    super(message);
    this.name = 'BlockFault';
    this.error = { code, message, ...BLOCK_CODES[code], ...more };
  }
}

/** The error of whatever was thrown; what no block expected is `INTERNAL`. */
export function errorOf(thrown: unknown): BlockError {
  if (thrown instanceof BlockFault) return thrown.error;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BlockFault('INTERNAL', `the block failed unexpectedly: ${message}`).error;
}

/** `failed` or `timeout`, by the error's class: the call had no effect or may be repeated. */
export const failure = (error: BlockError): BlockOutcome => ({
  kind: error.class === 'timeout' ? 'timeout' : 'failed',
  error,
});

/** Parses `value`; the first problem is thrown with `PARAM_*` and the name of the parameter. */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, what = ''): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw faultOf(schema, value, what);
}

/** Parsed once more for its words: an option of zod's is copied with each value that is parsed, at a shape for each copy. */
function faultOf(schema: z.ZodType, value: unknown, what: string): BlockFault {
  const issue = schema.safeParse(value, { reportInput: true }).error?.issues[0];
  const place = [what, ...(issue?.path ?? [])].filter((part) => part !== '').join('.') || 'input';
  if (issue?.code === 'unrecognized_keys') {
    return new BlockFault('PARAM_UNKNOWN', `${place}: unknown parameter ${issue.keys.join(', ')}`);
  }
  if (issue?.code === 'invalid_type' && issue.input === undefined) {
    return new BlockFault('PARAM_MISSING', `${place} is required`);
  }
  return new BlockFault('PARAM_INVALID', `${place}: ${issue?.message ?? 'invalid'}`);
}
