/** A loop of ticks with a pause between them; what a tick throws is told and does not end it. */

export interface Loop {
  /** Begins the next tick now, or as soon as the one under way is over. Costs nothing where it is asked for again and again. */
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
  let isStopping = false;
  let isWoken = false;
  let endPause: () => void = () => undefined;
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async () => {
    while (!isStopping) {
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
      if (!isWoken) await pause(varied(pauseMs));
      isWoken = false;
    }
  };
  const done = run();
  const wake = () => {
    if (isWoken) return;
    isWoken = true;
    endPause();
  };
  return {
    wake,
    stop: () => {
      isStopping = true;
      wake();
      return done;
    },
  };
}
