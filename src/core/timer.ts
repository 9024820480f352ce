/** What a timer says when its time has come. */
import type { Emission } from './outcome.js';
import type { TimerDraft } from './work.js';

/** Whether it is about a question to people. */
export const isOfWait = ({ kind }: TimerDraft): boolean => kind === 'wait.timeout' || kind === 'wait.remind';

/** Null for a timer that says nothing: it sends events again. */
export function emissionOf({ timerId, kind, dueAt, data }: TimerDraft): Emission | null {
  const fired = { timerId, dueAt, data: { ...data } };
  switch (kind) {
    case 'redeliver':
      return null;
    case 'wait.timeout':
    case 'wait.remind':
      return { type: 'TimerFired', data: { ...fired, kind } };
    default:
      return { type: 'AccumulationElapsed', data: { ...fired, kind } };
  }
}
