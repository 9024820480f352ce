/** Sends the plan as clients do: many at once, again after an error, and everything that was accepted is written down. */
import { appendFileSync } from 'node:fs';
import type { Keys } from './cluster.js';
import { bodyOf, entityOf, type Planned } from './plan.js';
import { randomOf } from './random.js';
import { sleep } from './waiting.js';

/** One line a report. `accepted`: answered with 202; `unknown`: no answer came; `refused`: anything else. */
export interface SentEntry {
  readonly at: number; // epoch ms
  readonly request: string;
  readonly keyed: boolean;
  readonly idx: number; // in the request
  readonly n: number;
  readonly kind: string;
  readonly tenant: string;
  readonly entity: string;
  readonly resolve: boolean;
  readonly result: 'accepted' | 'unknown' | 'refused';
  readonly id: string | null;
  readonly outcome: string | null; // created, merged, resolving, ignored; the code where refused
  readonly tries: number;
}

export interface LoadOptions {
  readonly plan: readonly Planned[];
  readonly urls: readonly string[];
  readonly keys: Keys;
  readonly file: string;
  readonly seed: number;
  readonly perSecond: number; // exceptions
  readonly atOnce: number;
  readonly burstMs: number; // what is due in such a time is sent at its beginning, as fast as it goes
  readonly giveUp: AbortSignal;
  readonly pace: Pace;
}

/** Keeps load and faults beside each other: neither runs away from the other. */
export interface Pace {
  share: number; // of the plan that is on its way, 0 to 1
  allowed: number; // the share that faults have made way for
}

export interface LoadCounts {
  accepted: number;
  unknown: number;
  refused: number;
  retries: number;
}

/** Resolves when every request was answered or given up. */
export async function sendLoad(options: LoadOptions): Promise<LoadCounts> {
  return new Load(options).run();
}

const ANSWER_MS = 20_000;

class Load {
  private readonly counts: LoadCounts = { accepted: 0, unknown: 0, refused: 0, retries: 0 };
  private readonly answered = new Map<string, Promise<void>>();
  private readonly random;
  private turn = 0;

  constructor(private readonly options: LoadOptions) {
    this.random = randomOf(options.seed, 'load');
  }

  async run(): Promise<LoadCounts> {
    const { plan, atOnce, giveUp, pace } = this.options;
    const started = performance.now();
    const running = new Set<Promise<void>>();
    let sent = 0;
    for (const [index, request] of plan.entries()) {
      if (giveUp.aborted) break;
      while (!this.isDue(sent, started)) await sleep(20);
      while (running.size >= atOnce) await Promise.race(running);
      sent += request.items.length;
      const one = this.send(request);
      if (!this.answered.has(request.id)) this.answered.set(request.id, one);
      running.add(one);
      void one.finally(() => running.delete(one));
      pace.share = (index + 1) / plan.length;
    }
    await Promise.all(running);
    pace.share = 1;
    return this.counts;
  }

  private isDue(sent: number, started: number): boolean {
    const { perSecond, burstMs, pace, giveUp } = this.options;
    if (giveUp.aborted) return true;
    const bursts = Math.floor((performance.now() - started) / burstMs) + 1;
    return sent < (bursts * burstMs * perSecond) / 1_000 && pace.share <= pace.allowed;
  }

  private async send(request: Planned): Promise<void> {
    if (request.after !== null) {
      await this.answered.get(request.after);
      await sleep(this.random.below(1_500));
    }
    const body = JSON.stringify(bodyOf(request));
    for (let tries = 1; ; tries++) {
      const answer = await this.ask(request, body);
      if (answer.kind !== 'again') return this.note(request, answer, tries);
      if (this.options.giveUp.aborted) return this.note(request, { kind: 'unknown' }, tries);
      this.counts.retries++;
      await sleep(Math.min(100 * tries, 1_000));
    }
  }

  private async ask(request: Planned, body: string): Promise<Answer> {
    const { urls, keys } = this.options;
    const path = request.hook ? `hooks/${request.tenant}/alerts` : `exceptions/${request.tenant}`;
    const url = `${urls[this.turn++ % urls.length]}/${path}`;
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${keys.get(`${request.tenant}/writer`)}`,
      ...(request.key !== null && { 'idempotency-key': request.key }),
    };
    try {
      const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) });
      return judge(request, response.status, await response.json());
    } catch (error) {
      const refused = (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED';
      return request.key !== null || refused ? { kind: 'again' } : { kind: 'unknown' };
    }
  }

  private note(request: Planned, answer: Final, tries: number): void {
    const lines = request.items.map((item, idx): string => {
      const told = answer.kind === 'accepted' ? answer.items[idx] : undefined;
      this.counts[answer.kind]++;
      const entry: SentEntry = {
        ...{ at: Date.now(), request: request.id, keyed: request.key !== null, idx, n: item.n, kind: item.kind },
        ...{ tenant: item.tenant, entity: entityOf(item), resolve: item.resolve, result: answer.kind, tries },
        id: told?.id ?? null,
        outcome: answer.kind === 'refused' ? answer.code : (told?.outcome ?? null),
      };
      return `${JSON.stringify(entry)}\n`;
    });
    appendFileSync(this.options.file, lines.join(''));
  }
}

type Told = { readonly id: string | null; readonly outcome: string };
type Final =
  | { readonly kind: 'accepted'; readonly items: readonly Told[] }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown' };
type Answer = Final | { readonly kind: 'again' };

/** Without a key a request must not be repeated unless it is sure that it was not accepted. */
function judge(request: Planned, status: number, body: unknown): Answer {
  const told = body as { items?: readonly Told[]; code?: string } & Told;
  if (status === 202) return { kind: 'accepted', items: told.items ?? [told] };
  if (told.code === 'IDEMPOTENCY_IN_PROGRESS' || status === 429) return { kind: 'again' };
  if (status >= 500) return { kind: request.key === null ? 'unknown' : 'again' };
  return { kind: 'refused', code: `${status} ${told.code ?? ''}` };
}
