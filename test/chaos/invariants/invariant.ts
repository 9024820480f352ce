/** What must hold, as two questions to the database: how much was looked at, and what is wrong. */
export interface Invariant {
  readonly id: string; // I1 … I20
  readonly title: string;
  readonly counted: string; // SQL: one number
  readonly violations: string; // SQL: a row for each thing that is wrong
}

/** Views that several invariants read. */
export const VIEWS = `
create or replace view evidence.reports as
  select tenant_id as tenant, case_id, seq, (data ->> 'resolve')::boolean as resolve, (data ->> 'count')::int as count,
    coalesce(data -> 'item' -> 'fields' ->> 'n', data -> 'item' -> 'labels' ->> 'n')::int as n
  from journal where type = 'ExceptionIngested';
create or replace view evidence.topics as
  select stage, case stage when 'intake' then 'exceptions' else 'exceptions.' || stage end as topic
  from unnest(array['intake', 'triage', 'policy', 'playbook', 'tool', 'feedback']) stage;
create or replace view evidence.kinds as
  select distinct r.tenant, r.case_id, s.kind from evidence.reports r join evidence.sent s using (tenant, n);
`;
