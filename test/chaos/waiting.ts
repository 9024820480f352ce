import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Asks until the answer is not undefined. Rejects after `timeoutMs`, with what was waited for and the last error. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { timeoutMs = 120_000, everyMs = 200 } = {},
): Promise<T> {
  const end = Date.now() + timeoutMs;
  let last = '';
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = `: ${(error as Error).message}`;
    }
    if (Date.now() > end) throw new Error(`not within ${timeoutMs / 1000} s: ${what}${last}`);
    await sleep(everyMs);
  }
}
