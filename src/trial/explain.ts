/**
 * Why a case came to where it is, from its events alone: for each stage what was tried, in order, what matched, and where
 * something did not, the first part of its condition that was false with the values that it saw.
 */
import type { EventData } from '../core/events.js';
import type { Emission } from '../core/outcome.js';
import type { RuleTrace } from '../core/records.js';
import { limitText } from '../packs/index.js';
import { workPart } from './explain-work.js';
import type { Explanation, Part, ToldEvent, Tried } from './explained.js';

/** Reads the events of one case in order; what only moves it on (a normalized exception, a captured outcome) is left out. */
export function explainCase(events: readonly ToldEvent[]): Explanation {
  const parts = events.flatMap((event) => {
    const part = partOf(event);
    return part === null ? [] : [{ seq: event.seq, time: event.time, packVersion: null, tried: [], ...part }];
  });
  return { summary: summaryOf(events), parts };
}

function partOf({ type, data }: Emission): Part | null {
  switch (type) {
    case 'ExceptionIngested': {
      const { incident, packVersion } = data;
      if (incident !== undefined) {
        const why = `${incident.rule} (${incident.place})`;
        return { stage: 'intake', what: `${data.count} members make or join the incident`, why, packVersion };
      }
      const times = data.count === 1 ? '' : `, ${data.count} times`;
      const what = `${data.resolve ? 'reported as over' : 'reported'} by ${data.source}${times}`;
      return { stage: 'intake', what, why: null, packVersion };
    }
    case 'ExceptionMerged':
      return { stage: 'intake', what: 'merged', why: data.note };
    case 'ExceptionHeld': {
      const until = new Date(data.until).toISOString();
      const words = { hold: 'held', accumulate: 'collected', window: 'held by a window' } as const;
      const what = `${words[data.kind]} until ${until}`;
      return { stage: 'intake', what, why: `${data.rule} (${data.place})`, packVersion: data.packVersion };
    }
    case 'AccumulationElapsed':
      return { stage: 'intake', what: `the ${data.kind} is over`, why: null };
    case 'ExceptionCorrelated': {
      const { rule, place, by, run, explain, packVersion } = data;
      const waits = run === 'parent' ? ': it waits for the incident' : '';
      const what = `belongs together with others by ${by.map((one) => JSON.stringify(one)).join(', ')}${waits}`;
      return { stage: 'intake', what, why: `${rule} (${place})`, packVersion, tried: explain.map(beforeTriage) };
    }
    case 'IncidentOpened':
      return { stage: 'intake', what: 'waits for its members', why: `${data.rule} (${data.place})` };
    case 'IncidentJoined':
      return { stage: 'intake', what: `part of incident ${data.incidentId}`, why: `${data.rule} (${data.place})` };
    case 'IncidentEnded':
      return { stage: 'intake', what: data.outcome === 'alone' ? 'goes its own way' : data.outcome, why: data.reason };
    case 'ExceptionNormalized': {
      const { explain = [], packVersion } = data;
      if (explain.length === 0) return null;
      return { stage: 'intake', what: 'goes on to triage', why: null, packVersion, tried: explain.map(beforeTriage) };
    }
    case 'ExceptionTriaged':
      return triagePart(data.triage);
    case 'PolicyEvaluated':
    case 'CaseSuppressed':
      return policyPart(data.policy);
    case 'PlaybookStarted': {
      const { playbook, explain, packVersion } = data;
      const tried = explain.map((trace): Tried => ({ ...trace, kind: 'playbook', decided: trace.name === playbook }));
      return { stage: 'playbook', what: playbook, why: null, packVersion, tried };
    }
    default:
      return workPart({ type, data } as Emission);
  }
}

const beforeTriage = (trace: RuleTrace): Tried => ({
  ...trace,
  kind: 'intake rule',
  decided: trace.matched && trace.note === undefined,
});

function triagePart({ category, severity, confidence, labels, by, explain, packVersion }: Triage): Part {
  const what = [category, severity, `${confidence} sure`, ...labels.map((label) => `#${label}`)].join(', ');
  const tried = explain.map((trace): Tried => ({ ...trace, kind: 'triage rule', decided: trace.matched }));
  const none = explain.some(({ matched }) => matched) ? null : 'no rule matched';
  return { stage: 'triage', what, why: by === 'rules' ? none : `decided by ${by}`, packVersion, tried };
}
type Triage = EventData['ExceptionTriaged']['triage'];

function policyPart({ effect, reason, winner, approval, only = [], explain, packVersion }: Policy): Part {
  const asked = approval === null ? '' : ` of ${approval.from.join(', ')}`;
  const limits = only.map((limit) => `; ${limitText(limit)}`).join('');
  const tried = explain.map((trace): Tried => ({ ...trace, kind: 'policy', decided: trace.name === winner }));
  const why = winner === null ? `the default: ${reason}` : `${winner}${reason === winner ? '' : `: ${reason}`}`;
  return { stage: 'policy', what: `${effect}${asked}`, why: `${why}${limits}`, packVersion, tried };
}
type Policy = EventData['PolicyEvaluated']['policy'];

function summaryOf(events: readonly Emission[]): string {
  let summary = 'It was reported; no stage has decided anything yet.';
  let policy: string | null = null;
  for (const { type, data } of events) {
    if (type === 'ExceptionHeld') summary = `It is held before triage by ${data.rule}.`;
    if (type === 'ExceptionCorrelated') summary = `It belongs together with others, says ${data.rule}.`;
    if (type === 'IncidentJoined') summary = `It is part of incident ${data.incidentId}, by ${data.rule}.`;
    if (type === 'ExceptionTriaged') summary = `It is ${data.triage.category}, ${data.triage.severity}.`;
    if (type === 'PolicyEvaluated') policy = data.policy.winner ?? 'the default policy';
    if (type === 'CaseSuppressed') summary = `Suppressed by ${data.policy.winner ?? 'the default policy'}.`;
    if (type === 'PlaybookStarted') summary = `The playbook ${data.playbook} runs, as ${policy ?? 'policy'} lets it.`;
    if (type === 'ApprovalRequested') summary = `It waits for ${data.terms.from.join(', ')}: ${data.title}`;
    if (type === 'WaitResolved') summary = `${data.step} was ${data.decision} by ${data.by.join(', ')}; it goes on.`;
    if (type === 'CaseEscalated') summary = `It needs a person: ${data.reason} (${data.code}).`;
    if (type === 'PlaybookFinished') summary = `${data.outcome}${data.note === null ? '' : `: ${data.note}`}.`;
  }
  return summary;
}
