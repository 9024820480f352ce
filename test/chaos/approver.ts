/** A robot that decides approvals as two people would who press the button at the same moment. */
import { appendFileSync } from 'node:fs';
import type { Keys, Sql } from './cluster.js';
import { APPROVERS } from './pack.js';
import { randomOf } from './random.js';
import { sleep } from './waiting.js';

/** One line an answer. */
export interface DecisionEntry {
  readonly at: number;
  readonly tenant: string;
  readonly caseId: string;
  readonly waitId: string;
  readonly by: string;
  readonly decision: 'approved' | 'rejected';
  readonly status: number; // HTTP; 0: no answer
  readonly code: string | null;
}

export interface ApproverOptions {
  readonly sql: Sql;
  readonly urls: readonly string[];
  readonly keys: Keys;
  readonly file: string;
  readonly seed: number;
}

interface OpenWait {
  readonly tenant_id: string;
  readonly case_id: string;
  readonly wait_id: string;
}

const PAUSE_MS = 500;

/** Starts deciding; the answer stops it. Alerts are left alone: their resolve takes the question back. */
export function startApprover(options: ApproverOptions): () => Promise<void> {
  let stopped = false;
  const loop = async () => {
    while (!stopped) {
      await decideOpen(options).catch(() => undefined); // Postgres is away: the next round finds the same waits
      await sleep(PAUSE_MS);
    }
  };
  const done = loop();
  return () => {
    stopped = true;
    return done;
  };
}

async function decideOpen(options: ApproverOptions): Promise<void> {
  const open = await options.sql<OpenWait[]>`select tenant_id, case_id, wait_id from waits
    where status = 'open' and title not like 'alert %' order by created_at limit 20`;
  await Promise.all(open.map((wait) => decideTwice(options, wait)));
}

async function decideTwice(options: ApproverOptions, wait: OpenWait): Promise<void> {
  const random = randomOf(options.seed, wait.wait_id);
  const decision = random.chance(0.2) ? 'rejected' : 'approved';
  const entries = await Promise.all(
    APPROVERS.map((by) => decide(options, wait, by, decision, random.pick(options.urls))),
  );
  appendFileSync(options.file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}

async function decide(
  { keys }: ApproverOptions,
  wait: OpenWait,
  by: string,
  decision: DecisionEntry['decision'],
  url: string,
): Promise<DecisionEntry> {
  const { tenant_id: tenant, case_id: caseId, wait_id: waitId } = wait;
  const entry = { at: Date.now(), tenant, caseId, waitId, by, decision };
  try {
    const response = await fetch(`${url}/exceptions/${tenant}/${caseId}/approvals/${waitId}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${keys.get(`${tenant}/${by}`)}` },
      body: JSON.stringify({ decision }),
      signal: AbortSignal.timeout(10_000),
    });
    const body = (await response.json()) as { code?: string; status?: string };
    return { ...entry, status: response.status, code: body.code ?? body.status ?? null };
  } catch {
    return { ...entry, status: 0, code: null };
  }
}
