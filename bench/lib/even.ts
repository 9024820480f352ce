/** An even load: so many a second, whatever the answers take. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Even {
  /** Sends no more; resolves when all that was sent is accepted. */
  stop(): Promise<void>;
}

/** Calls `send` at even intervals; `accepted` hears what it answered. The first failure rejects `stop`. */
export function sendEvenly<T>(perSecond: number, send: () => Promise<T>, accepted: (answer: T) => void): Even {
  let isOver = false;
  const sending = (async () => {
    const started = performance.now();
    const under = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (let n = 0; !isOver; n++) {
      const waitMs = started + (n * 1_000) / perSecond - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      const one = send().then(accepted, (error: unknown) => void failures.push(error));
      under.add(one);
      void one.finally(() => under.delete(one));
    }
    await Promise.all(under);
    if (failures.length > 0) throw failures[0];
  })();
  sending.catch(() => undefined); // told by `stop`
  return {
    stop: () => {
      isOver = true;
      return sending;
    },
  };
}
