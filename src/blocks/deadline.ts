import { Stop, type StopSignal } from '../core/stop.js';
import { BlockFault } from './errors.js';

export interface Deadline {
  readonly signal: StopSignal; // aborted with a `BlockFault`: `TIMEOUT` or `CANCELED`
  clear(): void;
}

/** One signal for both reasons to stop: the time is over, or the caller gave up. `clear` it when the call has ended. */
export function startDeadline(timeoutMs: number, caller: StopSignal): Deadline {
  const stop = new Stop();
  const cancel = () => stop.abort(new BlockFault('CANCELED', 'the call was canceled'));
  const timer = setTimeout(
    () => stop.abort(new BlockFault('TIMEOUT', `no complete answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  if (caller.aborted) cancel();
  else caller.addEventListener('abort', cancel);
  return {
    signal: stop,
    clear: () => {
      clearTimeout(timer);
      caller.removeEventListener('abort', cancel);
    },
  };
}
