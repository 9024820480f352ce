/**
 * Work that can wait until a turn of the event loop has sent what it had to send. A line of the log takes a tenth of a
 * millisecond where lines are rare; written between a commit and the publishing of its events, all that follows waits for it.
 */
const waiting: (() => void)[] = [];
let isWatching = false;

/** Runs `work` after this turn, in the order asked for; before the process exits in any case. */
export function afterTurn(work: () => void): void {
  if (waiting.length === 0) setImmediate(runWaiting);
  if (!isWatching) process.on('exit', runWaiting);
  isWatching = true;
  waiting.push(work);
}

/** Runs now what still waits. */
export function runWaiting(): void {
  for (const work of waiting.splice(0)) work();
}
