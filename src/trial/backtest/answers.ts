/** What tools and people really answered, where a replay asks them the same; each answer is given once. */
import { isDeepStrictEqual } from 'node:util';
import type { EventData } from '../../core/events.js';
import { isOf } from './past.js';
import type { Replayed } from './replayed.js';

interface Answer<D> {
  readonly at: number; // epoch ms, when it was really given
  readonly data: D;
}

/** How the call ended that was really made with the same input; null: nobody ever made it, or it never ended. */
export function answerOfTool(
  replayed: Replayed,
  asked: EventData['ToolRequested'],
): (Answer<EventData['ToolFinished']> & { readonly tookMs: number }) | null {
  const { events } = replayed.owner;
  const used = usedOf(replayed);
  const call = events.find(
    (event) => isOf('ToolRequested', event) && !used.has(event.seq) && isSameCall(event.data, asked),
  );
  if (call === undefined || !isOf('ToolRequested', call)) return null;
  used.add(call.seq);
  const end = events.find((event) => isOf('ToolFinished', event) && event.data.executionId === call.data.executionId);
  if (end === undefined || !isOf('ToolFinished', end)) return null;
  const { runId, executionId, packVersion } = asked;
  return { at: end.at, tookMs: end.at - call.at, data: { ...end.data, runId, executionId, packVersion } };
}

/** What people really decided at that step, if they are among those who are asked. */
export function answerOfPeople(
  replayed: Replayed,
  asked: EventData['ApprovalRequested'],
): Answer<EventData['WaitResolved']> | null {
  const { owner, of } = replayed;
  const used = usedOf(replayed);
  const answer = owner.events.find(
    (event) => isOf('WaitResolved', event) && event.data.step === asked.step && !used.has(event.seq),
  );
  if (answer === undefined || !isOf('WaitResolved', answer)) return null;
  if (!answer.data.by.every((name) => asked.terms.from.includes(name))) return null;
  used.add(answer.seq);
  const { runId, waitId } = asked;
  const packVersion = of.state.run?.packVersion ?? 0;
  return { at: answer.at, data: { ...answer.data, runId, waitId, packVersion } };
}

const usedOf = (replayed: Replayed): Set<number> => {
  replayed.used ??= new Set();
  return replayed.used;
};

const isSameCall = (a: EventData['ToolRequested'], b: EventData['ToolRequested']): boolean =>
  a.step === b.step && a.tool === b.tool && isDeepStrictEqual(a.input, b.input);
