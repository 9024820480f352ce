import { BlockFault } from './errors.js';

export interface Deadline {
  readonly signal: AbortSignal; // aborted with a `BlockFault`: `TIMEOUT` or `CANCELED`
  clear(): void;
}

/** One signal for both reasons to stop: the time is over, or the caller gave up. `clear` it when the call has ended. */
export function startDeadline(timeoutMs: number, caller: AbortSignal): Deadline {
  const controller = new AbortController();
  const cancel = () => controller.abort(new BlockFault('CANCELED', 'the call was canceled'));
  const timer = setTimeout(
    () => controller.abort(new BlockFault('TIMEOUT', `no complete answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  if (caller.aborted) cancel();
  else caller.addEventListener('abort', cancel, { once: true });
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      caller.removeEventListener('abort', cancel);
    },
  };
}
