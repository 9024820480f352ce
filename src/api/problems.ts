/** Errors as RFC 9457 problem details: every answer that is not a success is made here. */
import type { FastifyError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Problem, ProblemError, ProblemsError } from '../core/errors.js';
import { StoreError, type StoreErrorKind } from '../store/errors.js';
import { problemsOfIssues } from './validation.js';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

const ProblemPart = z.object({
  code: z.string(),
  detail: z.string(),
  path: z
    .string()
    .optional()
    .describe('Where it is: `items[3].severity`, `line 1 column 14`, a header or a parameter.'),
  hint: z.string().optional().describe('What to do about it.'),
  file: z.string().optional().describe('Of a pack: the file; `path` is `file:line:column`.'),
  line: z.int().optional(),
  column: z.int().optional(),
});

export const ProblemDocument = ProblemPart.extend({
  type: z.string().describe('`urn:millrace:problem:` and the code.'),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable, for programs: JSON_INVALID, FIELD_UNKNOWN, …'),
  problems: z.array(ProblemPart).optional().describe('All of them, where a request has several; at most 1,000.'),
  requestId: z.string(),
}).meta({ id: 'Problem', description: 'What is wrong and what to do about it (RFC 9457).' });
export type ProblemDocument = z.infer<typeof ProblemDocument>;

export interface Refusal {
  readonly status: number;
  readonly problems: readonly [Problem, ...Problem[]];
  readonly retryAfterS?: number;
  readonly fault?: true; // nobody expected it
}

/** What to answer for an error. Those that nobody expected say nothing of themselves to the outside. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof ProblemError) {
    const { status, problem, retryAfterS } = error;
    return { status, problems: [problem], ...(retryAfterS !== undefined && { retryAfterS }) };
  }
  if (error instanceof ProblemsError) return { status: error.status, problems: error.problems };
  if (error instanceof StoreError) return OF_STORE[error.kind];
  if (hasZodFastifySchemaValidationErrors(error)) {
    return { status: 400, problems: problemsOfIssues(error.validation, error.validationContext ?? 'body') };
  }
  return refusalOfFastify(error as Partial<FastifyError>);
}

const one = (status: number, code: string, message: string, hint: string): Refusal => ({
  status,
  problems: [{ code, message, hint }],
});

const REPORT = 'This is a fault of Millrace: please report it with the requestId.';
const FAULT: Refusal = { ...one(500, 'INTERNAL_ERROR', 'The request failed inside Millrace.', REPORT), fault: true };
const DOWN = 'Nothing of this request was kept; send it again after the time in Retry-After.';

const OF_STORE: Readonly<Record<StoreErrorKind, Refusal>> = {
  transient: { ...one(503, 'POSTGRES_DOWN', 'The database does not answer.', DOWN) },
  conflict: { ...one(503, 'POSTGRES_BUSY', 'Another transaction was in the way.', DOWN), retryAfterS: 1 },
  fatal: {
    ...one(503, 'POSTGRES_UNUSABLE', 'The database cannot be used as it is.', 'Run `millrace check`.'),
    retryAfterS: 30,
    fault: true,
  },
  data: FAULT, // what comes from outside was checked before
  bug: FAULT,
};

const OF_FASTIFY: Readonly<Record<string, Refusal>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: one(413, 'BODY_TOO_LARGE', 'The body is too large.', 'Send it in several requests.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: one(
    400,
    'BODY_TRUNCATED',
    'The body is not as long as Content-Length says.',
    'Send the length of the body in bytes, or none.',
  ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: one(
    415,
    'CONTENT_TYPE',
    'This content type is not understood.',
    'Send `content-type: application/json`, or `application/x-ndjson` for one exception a line.',
  ),
  ECONNRESET: one(400, 'REQUEST_ABORTED', 'The connection ended before the body did.', 'Send it again.'),
  FST_ERR_BAD_URL: one(400, 'URL_INVALID', 'The path is not valid percent-encoding.', 'Encode the path again.'),
};

function refusalOfFastify({ code = '', statusCode = 500, message = '' }: Partial<FastifyError>): Refusal {
  const known = OF_FASTIFY[code];
  if (known) return known;
  if (statusCode === 503) return { ...one(503, 'STOPPING', 'This process is stopping.', DOWN) };
  if (statusCode >= 400 && statusCode < 500 && code.startsWith('FST_')) {
    return one(statusCode, 'REQUEST_INVALID', message, 'See /docs for what this route takes.');
  }
  return FAULT;
}

const MOST = 1_000;

/** The document of a refusal. */
export function problemDocument({ status, problems }: Refusal, requestId: string): ProblemDocument {
  const [first] = problems;
  const parts = problems.slice(0, MOST).map(partOf);
  const detail = problems.length === 1 ? first.message : `${problems.length} problems; the first: ${first.message}`;
  return {
    type: `urn:millrace:problem:${first.code}`,
    title: titleOf(first.code),
    status,
    ...partOf(first),
    detail,
    ...(problems.length > 1 && { problems: parts }),
    requestId,
  };
}

/** `FIELD_UNKNOWN` as words: the same for every problem of a type. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

type Placed = Problem & { readonly file?: string; readonly line?: number; readonly column?: number };

function partOf({ code, message, path, hint, file, line, column }: Placed) {
  const place = file === undefined ? {} : { file, line, column };
  return { code, detail: message, ...(path !== undefined && { path }), ...(hint !== undefined && { hint }), ...place };
}
