/** What an event of a timeline says, in a few words. */
import { EVENTS, type EventData, type EventType, isEventType } from '../core/events.js';
import { duration } from './io.js';

type Words = { readonly [T in EventType]: (data: EventData[T]) => string };

const times = (count: number): string => (count === 1 ? '' : ` (${count} times)`);

const HELD = { hold: 'held', accumulate: 'gathering', window: 'held by a window' } as const;

const WORDS: Words = {
  ExceptionIngested: ({ source, via, resolve, count }) =>
    `${resolve ? 'is over, says' : 'from'} ${source} by ${via}${times(count)}`,
  ExceptionMerged: ({ note }) => note,
  ExceptionHeld: ({ kind, rule, until }) => `${HELD[kind]} until ${new Date(until).toISOString()}, by ${rule}`,
  AccumulationElapsed: ({ kind }) => `${HELD[kind]}: it is over`,
  ExceptionCorrelated: ({ rule, by, run }) =>
    `${rule}: ${by.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ')}${run === 'parent' ? '; it waits as a member' : ''}`,
  IncidentOpened: ({ rule }) => `${rule}: it waits for its members`,
  IncidentJoined: ({ incidentId, rule, members }) => `${rule}: incident ${incidentId}, ${members} members`,
  IncidentEnded: ({ reason }) => reason,
  ExceptionNormalized: ({ exception }) => `${exception.type}, ${exception.severity}: ${exception.title}`,
  ExceptionTriaged: ({ triage }) =>
    `${triage.category}, ${triage.severity}, ${triage.confidence} sure, by ${triage.by}${triage.priority === undefined ? '' : `, priority ${triage.priority}`}`,
  PolicyEvaluated: ({ policy }) => `${policy.effect}: ${policy.winner ?? policy.reason}`,
  CaseSuppressed: ({ policy }) => policy.winner ?? policy.reason,
  PlaybookStarted: ({ playbook }) => playbook,
  ToolRequested: ({ step, tool }) => `${step}: ${tool}`,
  ToolCanceled: ({ reason }) => reason,
  ToolFinished: ({ step, status, latencyMs, error }) =>
    `${step}: ${status} after ${duration(latencyMs)}${error === undefined ? '' : `, ${error.code}`}`,
  ApprovalRequested: ({ waitId, title, terms }) => `${title}; from ${terms.from.join(', ')}; wait ${waitId}`,
  ApprovalReminded: ({ title, from, count }) => `reminder ${count}: ${title}; from ${from.join(', ')}`,
  WaitResolved: ({ step, decision, by, comment }) =>
    `${step}: ${decision} by ${by.join(', ')}${comment === null ? '' : `: ${comment}`}`,
  TimerFired: ({ kind }) => kind,
  CaseCommanded: ({ command, by, reason }) => `${command} by ${by}: ${reason}`,
  PlaybookFinished: ({ playbook, outcome, note }) => [outcome, playbook ?? '', note ?? ''].filter(Boolean).join(', '),
  CaseEscalated: ({ code, reason }) => `${code}: ${reason}`,
  FeedbackCaptured: ({ outcome, durationMs }) => `${outcome} after ${duration(durationMs)}`,
  ScheduleSkipped: ({ schedule, dueAt }) => `${schedule} came at ${dueAt} while this is open`,
  CaseUnblocked: ({ action, by }) => `dead letter ${action} by ${by}`,
};

/** Empty for an event of a newer version, whose data this version does not know. */
export function describeEvent(type: string, data: unknown): string {
  return isEventType(type) ? describeKnown(type, data) : '';
}

function describeKnown<T extends EventType>(type: T, data: unknown): string {
  const parsed = EVENTS[type].data.safeParse(data);
  return parsed.success ? WORDS[type](parsed.data as EventData[T]) : '';
}
