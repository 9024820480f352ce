/** A loop of ticks with a pause between them; what a tick throws is told and does not end it. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Loop {
  /** Begins the next tick now. */
  wake(): void;
  stop(): Promise<void>;
}

/** Hears how the ticks of a loop went. */
export interface LoopWatch {
  failed(error: Error): void;
  worked(): void;
}

const LONG_MS = 5_000;

/** Processes that began together would look at the same moment for ever: long pauses are up to a quarter shorter, by chance. */
const varied = (pauseMs: number): number => (pauseMs < LONG_MS ? pauseMs : pauseMs * (1 - Math.random() / 4));

/** @param tick answers true when there is more to do at once */
export function startLoop(tick: () => Promise<boolean>, pauseMs: number, watch: LoopWatch): Loop {
  const stopping = new AbortController();
  let wakeUp = new AbortController();
  const run = async () => {
    while (!stopping.signal.aborted) {
      const more = await tick().then(
        (again) => {
          watch.worked();
          return again;
        },
        (error: Error) => {
          watch.failed(error);
          return false;
        },
      );
      if (more) continue;
      await sleep(varied(pauseMs), undefined, { signal: wakeUp.signal }).catch(() => undefined);
      if (!stopping.signal.aborted) wakeUp = new AbortController();
    }
  };
  const done = run();
  return {
    wake: () => wakeUp.abort(),
    stop: () => {
      stopping.abort();
      wakeUp.abort();
      return done;
    },
  };
}
