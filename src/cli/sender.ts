/** Sends documents to the API in order, many to a request; what is refused is left out and told with its place. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accepted } from '../api/schemas.js';
import { type Problem, ProblemError } from '../core/errors.js';
import { type Answer, type Client, problemsOf, RefusedError, understood } from './client.js';
import type { Document } from './documents.js';

export const MAX_ITEMS = 500;
const MAX_BYTES = 4 * 1024 * 1024; // half of what the API takes
const TRIES = 10;

type Item = Pick<Exclude<ReturnType<typeof Accepted.parse>, { items: unknown }>, 'id' | 'status' | 'outcome' | 'note'>;

export interface Sent {
  readonly accepted: readonly Item[];
  readonly refused: number;
  readonly problems: readonly Problem[];
}

export interface Target {
  readonly client: Client;
  readonly tenant: string;
  readonly source: string | undefined; // a source of the pack reads each document by itself
  readonly signal: AbortSignal;
}

/** One report for each request. Throws RefusedError for what concerns all documents: the tenant, the key. */
export async function* sendDocuments(target: Target, documents: AsyncIterable<Document>): AsyncGenerator<Sent> {
  const most = target.source === undefined ? MAX_ITEMS : 1;
  let batch: Document[] = [];
  let bytes = 0;
  let isReached = false;
  const flush = async function* (): AsyncGenerator<Sent> {
    const full = batch;
    [batch, bytes] = [[], 0];
    for await (const sent of sendBatch(target, full, () => isReached)) {
      isReached = true;
      yield sent;
    }
  };
  try {
    for await (const document of documents) {
      batch.push(document);
      bytes += Buffer.byteLength(document.text);
      if (batch.length >= most || bytes >= MAX_BYTES) yield* flush();
    }
  } catch (error) {
    if (batch.length > 0 && !target.signal.aborted) yield* flush(); // what came before the broken part of a file
    throw error;
  }
  if (batch.length > 0) yield* flush();
}

async function* sendBatch(target: Target, batch: readonly Document[], isReached: () => boolean): AsyncGenerator<Sent> {
  const answer = await postPatiently(target, batch, isReached());
  if (answer.status < 400) return yield { accepted: itemsOf(target, answer), refused: 0, problems: [] };
  const problems = problemsOf(answer.status, answer.body);
  if (answer.status !== 400 && answer.status !== 413) throw new RefusedError(answer.status, problems);
  const wrong = new Map(problems.map((problem) => [indexOf(problem), problem]));
  const [first = { text: '', place: '' }] = batch;
  if (batch.length === 1) {
    return yield { accepted: [], refused: 1, problems: problems.map((problem) => inFile(first, problem)) };
  }
  if (wrong.has(undefined)) {
    const half = Math.ceil(batch.length / 2); // find the one that is refused
    yield* sendBatch(target, batch.slice(0, half), isReached);
    return yield* sendBatch(target, batch.slice(half), isReached);
  }
  const placed = problems.map((problem) => inFile(batch[indexOf(problem) ?? 0] ?? first, problem));
  yield { accepted: [], refused: wrong.size, problems: placed };
  const rest = batch.filter((_, index) => !wrong.has(index));
  if (rest.length > 0) yield* sendBatch(target, rest, isReached);
}

/** Posts; waits where the API says that it cannot just now. The key makes sure that nothing is kept twice. */
async function postPatiently(target: Target, batch: readonly Document[], isReached: boolean): Promise<Answer> {
  const { client, tenant, source, signal } = target;
  const query = source === undefined ? '' : `?source=${encodeURIComponent(source)}`; // not the hook: that may ask for a signature
  const path = `/exceptions/${encodeURIComponent(tenant)}${query}`;
  const type = source === undefined ? 'application/x-ndjson' : 'application/json';
  const headers = { 'content-type': type, 'idempotency-key': randomUUID() };
  const text = batch.map((document) => document.text).join('\n');
  for (let tries = 1; ; tries++) {
    const answer = await client.post(path, text, headers).catch((error: unknown) => {
      const isAway = error instanceof ProblemError && error.problem.code === 'API_UNREACHABLE';
      if (!isAway || !isReached || tries >= TRIES) throw error;
      return null;
    });
    const isLater = answer === null || answer.status === 503 || answer.status === 429;
    if (answer !== null && (!isLater || tries >= TRIES)) return answer;
    await sleep((answer?.retryAfterS ?? 1) * 1_000, undefined, { signal });
  }
}

function itemsOf({ client }: Target, answer: Answer): readonly Item[] {
  const accepted = understood(client.base, '', answer, Accepted);
  return 'items' in accepted ? accepted.items : [accepted];
}

/** Which document of the request a problem is about: `items[3].severity`, `line 4 column 2`. */
function indexOf({ path = '' }: Problem): number | undefined {
  const [, item, line] = /^(?:items\[(\d+)\]|line (\d+)\b)/.exec(path) ?? [];
  if (item !== undefined) return Number(item);
  return line === undefined ? undefined : Number(line) - 1;
}

/** The problem with its place in the file, then in the document: `line 12: severity`. */
function inFile({ place }: Document, problem: Problem): Problem {
  const inside = (problem.path ?? '').replace(/^(?:items\[\d+\]\.?|line \d+ ?)/, '');
  const message = problem.message.replace(/ at line \d+ column \d+/, '');
  return { ...problem, message, path: inside === '' ? place : `${place}: ${inside}` };
}
