/** What happened after a playbook was chosen: calls, people, and the end. */
import type { Emission } from '../core/outcome.js';
import type { Part, Tried } from './explained.js';

export function workPart({ type, data }: Emission): Part | null {
  switch (type) {
    case 'ToolRequested':
      return { stage: 'tool', what: `${data.step}: ${data.tool} (${data.effect})`, why: null };
    case 'ToolFinished': {
      const { step, status, error, tries } = data;
      const why = error === undefined ? null : `${error.code}: ${error.message}`;
      return { stage: 'tool', what: `${step}: ${status}${tries > 1 ? ` after ${tries} tries` : ''}`, why };
    }
    case 'ToolCanceled':
      return { stage: 'tool', what: 'the call is let go', why: data.reason };
    case 'ApprovalRequested': {
      const { from, quorum, onTimeout } = data.terms;
      const until = new Date(data.expiresAt).toISOString();
      return {
        stage: 'people',
        what: `asked ${quorum} of ${from.join(', ')}: ${data.title}`,
        why: `${onTimeout} at ${until}`,
      };
    }
    case 'WaitResolved':
      return { stage: 'people', what: `${data.step}: ${data.decision} by ${data.by.join(', ')}`, why: data.comment };
    case 'ApprovalReminded': {
      const until = new Date(data.expiresAt).toISOString();
      return { stage: 'people', what: `reminded ${data.from.join(', ')} (${data.count})`, why: `open until ${until}` };
    }
    case 'TimerFired':
      if (data.kind === 'wait.remind') return null;
      return { stage: 'people', what: 'nobody answered in time', why: null };
    case 'CaseCommanded':
      return { stage: 'people', what: `${data.command} by ${data.by}`, why: data.reason };
    case 'CaseUnblocked':
      return { stage: 'people', what: `dead letter ${data.action} by ${data.by}`, why: null };
    case 'CaseEscalated': {
      const { code, reason, explain, packVersion } = data;
      const tried =
        code === 'NO_PLAYBOOK' ? explain.map((trace): Tried => ({ ...trace, kind: 'playbook', decided: false })) : [];
      return { stage: 'playbook', what: `escalated: ${code}`, why: reason, packVersion, tried };
    }
    case 'PlaybookFinished':
      return { stage: 'playbook', what: data.outcome, why: data.note, packVersion: data.packVersion };
    default:
      return null;
  }
}
