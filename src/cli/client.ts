/** The API as the commands use it: its address, the key, and its problems (RFC 9457) as Problems. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config.js';
import { type Problem, ProblemError } from '../core/errors.js';
import type { Common, Io } from './io.js';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Client {
  readonly base: string;
  /** The answer's body as `shape` reads it. Throws RefusedError, and ProblemError when the API cannot be reached. */
  get<S extends z.ZodType>(path: string, shape: S): Promise<z.infer<S>>;
  /** Posts text of this media type; answers that tell problems are answers too. Throws ProblemError API_UNREACHABLE. */
  post(path: string, text: string, type: string): Promise<Answer>;
  /** Why the API is not ready; empty: it is. */
  ready(): Promise<Problem[]>;
}

/** The API refused a request: every problem it named. */
export class RefusedError extends Error {
  readonly problems: readonly Problem[];
  readonly status: number;
  constructor(status: number, problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join(' '));
    this.name = 'RefusedError';
    this.status = status;
    this.problems = problems;
  }
}

/** Where the API is: MILLRACE_URL, else what the embedded mode wrote down, else PORT of this machine. */
export function addressOf(config: Config<'cli'>): string {
  if (config.client.url !== null) return config.client.url;
  try {
    return readFileSync(join(config.home, 'address'), 'utf8').trim();
  } catch {
    return `http://127.0.0.1:${config.http.port}`;
  }
}

export function createClient(io: Io, { url, key }: Common): Client {
  const config = io.config();
  const base = (url ?? addressOf(config)).replace(/\/+$/, '');
  const apiKey = key ?? config.client.apiKey;
  const ask = async (path: string, init: RequestInit): Promise<Answer> => {
    const headers = { ...init.headers, ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }) };
    const response = await fetch(`${base}${path}`, { ...init, headers, signal: io.signal }).catch((error: unknown) => {
      throw io.signal.aborted ? error : unreachable(base, error);
    });
    return { status: response.status, body: read(await response.text()) };
  };
  return {
    base,
    async get(path, shape) {
      const { status, body } = await ask(path, {});
      if (status >= 400) throw new RefusedError(status, problemsOf(status, body));
      const parsed = shape.safeParse(body);
      if (!parsed.success) throw new ProblemError(notOurs(base, path));
      return parsed.data;
    },
    post: (path, text, type) => ask(path, { method: 'POST', body: text, headers: { 'content-type': type } }),
    async ready() {
      const { status, body } = await ask('/readyz?verbose', {});
      if (status < 400) return [];
      return [{ code: 'NOT_READY', path: base, message: String(body).trim(), hint: 'See what the process logs.' }];
    },
  };
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unreachable(base: string, error: unknown): ProblemError {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  const why = cause?.code ?? cause?.message ?? message;
  const hint = 'Start it with npm start, or name it: --url http://host:7070, or MILLRACE_URL.';
  return new ProblemError({ code: 'API_UNREACHABLE', path: base, message: `The API does not answer (${why}).`, hint });
}

const notOurs = (base: string, path: string): Problem => ({
  code: 'API_UNKNOWN',
  path: `${base}${path}`,
  message: 'The answer is not one of Millrace.',
  hint: 'Does the address belong to a Millrace of this version?',
});

const Told = z.object({
  code: z.string(),
  path: z.string().optional(),
  message: z.string().optional(),
  detail: z.string().optional(),
  title: z.string().optional(),
  hint: z.string().optional(),
  errors: z.array(z.unknown()).optional(),
});

/** Every problem that an answer tells. */
export function problemsOf(status: number, body: unknown): Problem[] {
  const told = Told.safeParse(body);
  if (!told.success)
    return [{ code: `HTTP_${status}`, message: typeof body === 'string' ? body.slice(0, 200) : 'no reason given' }];
  const { code, path, message, detail, title, hint, errors = [] } = told.data;
  const further = errors.flatMap((error) => problemsOf(status, error));
  if (further.length > 0) return further;
  const text = message ?? detail ?? title ?? '';
  return [{ code, message: text, ...(path !== undefined && { path }), ...(hint !== undefined && { hint }) }];
}
