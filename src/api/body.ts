/**
 * Reads bodies: inflated with a cap, checked to be UTF-8, parsed once by the strict parser. What comes out is plain JSON;
 * a body with one document a line comes out as a list.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { type Problem, ProblemError, ProblemsError } from '../core/errors.js';
import { parseJson } from '../core/json.js';
import type { Api } from './ports.js';

/** Bytes of a whole request to an intake route, and of any other body. */
export const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
export const MAX_BODY_BYTES = 256 * 1024;

const JSON_TYPES = /^application\/(?:[\w.-]+\+)?json(?:;|$)/;
const LINE_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];

/** Makes `api` understand JSON (any `+json` type) and one JSON document a line, and nothing else. */
export function addBodyParsers(api: Api): void {
  api.removeAllContentTypeParsers();
  api.decorateRequest('bodyFacts', null);
  const parsing = (parse: (text: string) => unknown) => (request: FastifyRequest, raw: Buffer) =>
    read(request, raw, parse);
  api.addContentTypeParser(JSON_TYPES, { parseAs: 'buffer' }, parsing(parseDocument));
  api.addContentTypeParser(LINE_TYPES, { parseAs: 'buffer' }, parsing(parseLines));
  api.addContentTypeParser('*', { parseAs: 'buffer' }, (request: FastifyRequest, raw: Buffer) =>
    isEvent(request) ? read(request, raw, textOnly) : Promise.reject(contentType(request)),
  );
}

/** The data of a CloudEvent in binary mode may be of any type; text is kept as it is. */
const isEvent = ({ headers, routeOptions }: FastifyRequest): boolean =>
  routeOptions.config.signed === true && headers['ce-specversion'] !== undefined;

function textOnly(text: string): string {
  if (!text.includes('\u0000')) return text;
  throw refused(
    'TEXT_NUL',
    'The body holds the character U+0000.',
    'Send bytes as `data_base64` of a structured event.',
  );
}

function contentType({ headers }: FastifyRequest): ProblemError {
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  const hint = isForm
    ? 'Choose the content type `application/json` where the webhook is set up (GitHub: "Content type").'
    : 'Send `content-type: application/json`, or `application/x-ndjson` for one exception a line.';
  return refused('CONTENT_TYPE', 'This content type is not understood.', hint, undefined, 415);
}

async function read(request: FastifyRequest, raw: Buffer, parse: (text: string) => unknown): Promise<unknown> {
  const bytes = await inflated(request, raw);
  await request.signature?.check(bytes);
  const hash = request.headers['idempotency-key'] === undefined ? null : sha256(bytes);
  request.bodyFacts = { bytes: bytes.length, hash };
  if (bytes.length === 0) {
    if (request.routeOptions.config.emptyBody) return undefined;
    throw bodyEmpty();
  }
  if (!isUtf8(bytes)) {
    const message = 'The body is not UTF-8.';
    throw refused('TEXT_INVALID_UNICODE', message, 'Send the text in UTF-8.', '(the document)');
  }
  return parse(bytes.toString('utf8').replace(/^\ufeff/, ''));
}

export const bodyEmpty = (): ProblemError =>
  refused('BODY_EMPTY', 'The request has no body.', 'Send JSON, with content-type: application/json.');

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

type Inflate = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;
const INFLATE: Readonly<Record<string, Inflate>> = {
  gzip: promisify(gunzip) as Inflate,
  deflate: promisify(inflate) as Inflate,
  br: promisify(brotliDecompress) as Inflate,
};

async function inflated(request: FastifyRequest, raw: Buffer): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding === 'identity') return raw;
  const inflateBytes = Object.hasOwn(INFLATE, encoding) ? INFLATE[encoding] : undefined;
  if (!inflateBytes) {
    const hint = `Use one of ${Object.keys(INFLATE).join(', ')}, or none.`;
    throw refused('CONTENT_ENCODING', 'This content encoding is not understood.', hint, 'content-encoding', 415);
  }
  const most = request.routeOptions.bodyLimit ?? MAX_BODY_BYTES;
  try {
    return await inflateBytes(raw, { maxOutputLength: most });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const message = `The body is larger than ${most} bytes when it is inflated.`;
      throw refused('DECOMPRESSED_TOO_LARGE', message, 'Send it in several requests.', undefined, 413);
    }
    throw refused('BODY_TRUNCATED', `The body is not valid ${encoding}.`, 'Compress it again.', 'content-encoding');
  }
}

function refused(code: string, message: string, hint: string, path?: string, status = 400): ProblemError {
  return new ProblemError({ code, message, hint, ...(path !== undefined && { path }) }, status);
}

/** One document. Paths of problems are those of the answer: `items[3].severity` for a list. */
function parseDocument(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const { path } = error.problem;
    throw withProblem(notANumber(error.problem, text) ?? error.problem, path?.startsWith('[') ? `items${path}` : path);
  }
}

/** One document a line; blank lines are skipped. Every line that is wrong is told. */
function parseLines(text: string): unknown[] {
  const items: unknown[] = [];
  const problems: Problem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      items.push(parseJson(line));
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      problems.push(ofLine(notANumber(error.problem, line) ?? error.problem, index + 1, items.length));
      items.push(null);
    }
  }
  const [first, ...rest] = problems;
  if (first) throw new ProblemsError([first, ...rest]);
  if (items.length === 0) throw bodyEmpty();
  return items;
}

function ofLine(problem: Problem, line: number, item: number): Problem {
  const { path = '', message } = problem;
  if (path.startsWith('line 1 ')) {
    const place = path.replace('line 1', `line ${line}`);
    return { ...problem, path: place, message: message.replace(path, place) };
  }
  const inside = path === '(the document)' || path === '' ? '' : path.startsWith('[') ? path : `.${path}`;
  return { ...problem, path: `items[${item}]${inside}` };
}

const withProblem = (problem: Problem, path: string | undefined): ProblemError =>
  new ProblemError(path === undefined ? problem : { ...problem, path });

const NOT_JSON_NUMBERS = /^-?(?:NaN|Infinity)\b/;

/** `NaN` and `Infinity` are a common slip of senders: told as what they are, not as broken JSON. */
function notANumber({ code, path = '' }: Problem, text: string): Problem | undefined {
  const [, line, column] = /^line (\d+) column (\d+)$/.exec(path) ?? [];
  if (code !== 'JSON_INVALID' || line === undefined) return undefined;
  const from = text.split('\n')[Number(line) - 1]?.slice(Number(column) - 1) ?? '';
  const [word] = NOT_JSON_NUMBERS.exec(from) ?? [];
  if (word === undefined) return undefined;
  return { code: 'NUMBER_INVALID', message: `${word} is not a JSON number.`, path, hint: 'Send null, or text.' };
}
