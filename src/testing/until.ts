/** Waits for a condition instead of for a time. */
import { setTimeout as sleep } from 'node:timers/promises';

/** A busy machine may take many times as long as a quiet one: only what never comes should fail. */
const PATIENCE_MS = 300_000;

/** Asks until the answer is not undefined; throws, naming what was waited for, after `timeoutMs`. */
export async function until<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  what: string,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms for: ${what}`);
    await sleep(20);
  }
}
