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
  readonly retryAfterS: number | null;
}

export interface Client {
  readonly base: string;
  /** The answer's body as `shape` reads it. Throws RefusedError, and ProblemError when the API cannot be reached. */
  get<S extends z.ZodType>(path: string, shape: S): Promise<z.infer<S>>;
  /** Posts text; answers that tell problems are answers too. Throws ProblemError API_UNREACHABLE. */
  post(path: string, text: string, headers: Readonly<Record<string, string>>): Promise<Answer>;
  /** As `post`, to replace something. */
  put(path: string, text: string, headers: Readonly<Record<string, string>>): Promise<Answer>;
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
    const retryAfterS = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
    const body = read(await response.text());
    return { status: response.status, body, retryAfterS: Number.isNaN(retryAfterS) ? null : retryAfterS };
  };
  return {
    base,
    async get(path, shape) {
      return understood(base, path, await ask(path, {}), shape);
    },
    post: (path, body, headers) => ask(path, { method: 'POST', body, headers }),
    put: (path, body, headers) => ask(path, { method: 'PUT', body, headers }),
    async ready() {
      const { status, body } = await ask('/readyz?verbose', {});
      if (status < 400) return [];
      return [{ code: 'NOT_READY', path: base, message: String(body).trim(), hint: 'See what the process logs.' }];
    },
  };
}

/** The body of an answer as `shape` reads it. Throws RefusedError for a problem, ProblemError API_UNKNOWN. */
export function understood<S extends z.ZodType>(base: string, path: string, answer: Answer, shape: S): z.infer<S> {
  const { status, body } = answer;
  if (status >= 400) throw new RefusedError(status, problemsOf(status, body));
  const parsed = shape.safeParse(body);
  if (!parsed.success) throw new ProblemError(notOurs(base, path));
  return parsed.data;
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
  detail: z.string(),
  path: z.string().optional(),
  hint: z.string().optional(),
});
const Document = Told.extend({ problems: z.array(Told).optional() });

/** Every problem that an answer tells. */
export function problemsOf(status: number, body: unknown): Problem[] {
  const told = Document.safeParse(body);
  if (!told.success) {
    const message = typeof body === 'string' ? body.slice(0, 200) : 'No reason was given.';
    return [{ code: `HTTP_${status}`, message }];
  }
  const { problems = [told.data] } = told.data;
  return problems.map(({ code, detail, path, hint }) => ({
    code,
    message: detail,
    ...(path !== undefined && { path }),
    ...(hint !== undefined && { hint }),
  }));
}
