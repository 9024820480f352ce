/** What the decisions of a chunk mean for incidents: who asks to be a member, and which members and parents were closed. */
import { isClosed } from '../core/case.js';
import type { IncidentNotes } from '../core/incident-work.js';
import type { Advance } from '../core/outcome.js';
import type { WriteBatch } from '../store/port.js';
import type { CaseDraft } from './draft.js';

export class IncidentNoting {
  private readonly joins: IncidentNotes['joins'][number][] = [];
  private readonly closed: IncidentNotes['closed'][number][] = [];

  /** Takes over the outcome of a decision, and notes what it means. */
  advance(draft: CaseDraft, outcome: Advance): void {
    const { tenantId, caseId, status, exception } = draft.state;
    draft.advance(outcome);
    if (outcome.joins) this.joins.push({ tenantId, caseId, joining: outcome.joins });
    const part = draft.state.exception?.incident;
    if (part === undefined || !isClosed(draft.state.status)) return;
    if (isClosed(status) && exception?.incident !== undefined) return; // it was noted then
    this.closed.push({ tenantId, caseId, role: part.role });
  }

  written(): Pick<WriteBatch, 'incidents'> {
    const { joins, closed } = this;
    return joins.length + closed.length === 0 ? {} : { incidents: { joins, closed } };
  }
}
