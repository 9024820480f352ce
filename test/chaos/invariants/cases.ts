/** How cases end, and that what stands on a case is what its journal says. */
import type { Invariant } from './invariant.js';

const FINAL = `('RESOLVED', 'SUPPRESSED', 'CANCELED', 'ESCALATED')`;

// What the last event that says where a case is means for its status.
const FOLDED = `select distinct on (tenant_id, case_id) tenant_id, case_id, case type
    when 'ExceptionIngested' then 'OPEN' when 'ExceptionHeld' then 'WAITING' when 'ExceptionNormalized' then 'NORMALIZED'
    when 'ExceptionTriaged' then 'TRIAGED' when 'PolicyEvaluated' then 'EVALUATED'
    when 'CaseSuppressed' then 'SUPPRESSED' when 'PlaybookStarted' then 'RUNNING' when 'ToolRequested' then 'RUNNING'
    when 'ApprovalRequested' then 'WAITING' when 'CaseEscalated' then 'ESCALATED'
    when 'PlaybookFinished' then case data ->> 'outcome' when 'canceled' then 'CANCELED' else 'RESOLVED' end
  end as status
  from journal where type in ('ExceptionHeld', 'ExceptionNormalized', 'ExceptionTriaged', 'PolicyEvaluated', 'CaseSuppressed',
    'PlaybookStarted', 'ToolRequested', 'ApprovalRequested', 'CaseEscalated', 'PlaybookFinished')
    or (type = 'ExceptionIngested' and seq = 1)
  order by tenant_id, case_id, seq desc`;

export const CASES: readonly Invariant[] = [
  {
    id: 'I1',
    title: 'every case has ended or waits for somebody who was asked',
    counted: 'select count(*) from cases',
    violations: `select c.tenant_id, c.case_id, c.status, c.blocked, c.seq, c.seen, c.sent, k.kind from cases c
      left join evidence.kinds k on k.tenant = c.tenant_id and k.case_id = c.case_id
      where c.status not in ${FINAL} and not (c.status = 'WAITING' and exists (
        select from waits w where w.tenant_id = c.tenant_id and w.case_id = c.case_id and w.status = 'open'))`,
  },
  {
    id: 'I1',
    title: 'every ended case has its feedback',
    counted: `select count(*) from cases where status in ${FINAL}`,
    violations: `select c.tenant_id, c.case_id, c.status, c.seq from cases c where c.status in ${FINAL} and (
        c.feedback is null or not exists (select from journal j where j.tenant_id = c.tenant_id
          and j.case_id = c.case_id and j.type = 'FeedbackCaptured'))`,
  },
  {
    id: 'I1',
    title: 'noise is suppressed, what no policy allows is escalated, nothing else is suppressed',
    counted: `select count(*) from evidence.kinds where kind in ('noise', 'stuck')`,
    violations: `select k.tenant, k.case_id, k.kind, c.status from evidence.kinds k
      join cases c on c.tenant_id = k.tenant and c.case_id = k.case_id
      where (k.kind = 'noise') <> (c.status = 'SUPPRESSED') or (k.kind = 'stuck' and c.status <> 'ESCALATED')`,
  },
  {
    id: 'I1',
    title: 'a resolve that was accepted closed its case',
    counted: `select count(distinct id) from evidence.sent where resolve and outcome = 'resolving'`,
    violations: `select distinct s.tenant, s.id, s.n, c.status from evidence.sent s
      join cases c on c.tenant_id = s.tenant and c.case_id = s.id
      where s.resolve and s.outcome = 'resolving' and c.status <> 'RESOLVED'`,
  },
  {
    id: 'I1',
    title: 'a resolved repair made its call',
    counted: `select count(*) from evidence.kinds k join cases c on c.tenant_id = k.tenant and c.case_id = k.case_id
      where k.kind in ('repair', 'blind', 'ask') and c.status = 'RESOLVED'`,
    violations: `select k.tenant, k.case_id, k.kind from evidence.kinds k
      join cases c on c.tenant_id = k.tenant and c.case_id = k.case_id
      where k.kind in ('repair', 'blind', 'ask') and c.status = 'RESOLVED' and not exists (select from executions e
        where e.tenant_id = k.tenant and e.case_id = k.case_id and e.status = 'succeeded')`,
  },
  {
    id: 'I1',
    title: 'what was escalated on the way has a reason outside: a failed call, a refusal',
    counted: `select count(*) from evidence.kinds k join cases c on c.tenant_id = k.tenant and c.case_id = k.case_id
      where k.kind in ('repair', 'blind', 'ask') and c.status = 'ESCALATED'`,
    violations: `select k.tenant, k.case_id, k.kind, c.feedback ->> 'note' as note from evidence.kinds k
      join cases c on c.tenant_id = k.tenant and c.case_id = k.case_id
      where k.kind in ('repair', 'blind', 'ask') and c.status = 'ESCALATED' and not exists (select from executions e
        where e.tenant_id = k.tenant and e.case_id = k.case_id and e.status in ('failed', 'timeout', 'unknown'))
      and not exists (select from waits w where w.tenant_id = k.tenant and w.case_id = k.case_id
        and w.status = 'rejected')`,
  },
  {
    id: 'I5',
    title: 'the status of a case is what its journal says',
    counted: 'select count(*) from cases',
    violations: `select c.tenant_id, c.case_id, c.status, f.status as folded from cases c left join (${FOLDED}) f
      on f.tenant_id = c.tenant_id and f.case_id = c.case_id where c.status is distinct from f.status`,
  },
  {
    id: 'I5',
    title: 'what intake, triage and feedback wrote on a case is what its journal says',
    counted: 'select count(*) from cases',
    violations: `select c.tenant_id, c.case_id, t.type from cases c join lateral (
        select distinct on (type) type, data::jsonb from journal j where j.tenant_id = c.tenant_id and j.case_id = c.case_id
          and type in ('ExceptionNormalized', 'ExceptionTriaged', 'FeedbackCaptured') order by type, seq desc
      ) t on true where case t.type when 'ExceptionNormalized' then c.exception::jsonb <> t.data -> 'exception'
        when 'ExceptionTriaged' then c.triage::jsonb -> 'category' <> t.data -> 'triage' -> 'category'
        else c.feedback::jsonb -> 'outcome' <> t.data -> 'outcome' end`,
  },
  {
    id: 'I5',
    title: 'what lists show of a case is what its documents say',
    counted: 'select count(*) from cases',
    violations: `select tenant_id, case_id, type, title, entity, reported_severity, category, severity, priority from cases
      where (type, title, entity, reported_severity) is distinct from
          (exception ->> 'type', exception ->> 'title', exception ->> 'entity', exception ->> 'severity')
        or (category, severity) is distinct from (triage ->> 'category', triage ->> 'severity')
        or priority is distinct from case when triage is not null then coalesce((triage ->> 'priority')::int, 3) end`,
  },
  {
    id: 'I5',
    title: 'a case is closed when its status says so, and holds its fingerprint only while it is open',
    counted: 'select count(*) from cases',
    violations: `select tenant_id, case_id, status, closed_at, open_key from cases
      where (closed_at is not null) <> (status in ('RESOLVED', 'SUPPRESSED', 'CANCELED'))
        or (open_key is not null and closed_at is not null)`,
  },
];
