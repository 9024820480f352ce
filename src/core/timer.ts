/** What a timer says when its time has come. */
import type { Emission } from './outcome.js';
import type { TimerDraft } from './work.js';

/** Whether it is about a question to people. */
export const isOfWait = ({ kind }: TimerDraft): boolean => kind === 'wait.timeout' || kind === 'wait.remind';

/** Null for a timer that says nothing: it sends events again. */
export function emissionOf({ timerId, kind, dueAt, data }: TimerDraft): Emission | null {
  switch (kind) {
    case 'redeliver':
      return null;
    case 'wait.timeout':
    case 'wait.remind':
      return { type: 'TimerFired', data: { timerId, dueAt, data: { ...data }, kind } };
    default:
      return { type: 'AccumulationElapsed', data: { timerId, dueAt, data: { ...data }, kind } };
  }
}
