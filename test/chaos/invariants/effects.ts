/** What happened outside and what people did: each effect once, each question answered once. */
import type { Invariant } from './invariant.js';

const CALLS: readonly Invariant[] = [
  {
    id: 'I7',
    title: 'no effect twice where the sink honours keys',
    counted: `select count(distinct (tenant, entity)) from evidence.sink where mode = 'honours' and applied`,
    violations: `select tenant, entity, array_agg(distinct key) as keys, count(*) from evidence.sink
      where mode = 'honours' and applied group by 1, 2 having count(*) > 1`,
  },
  {
    id: 'I7',
    title: 'no effect twice at a sink that knows no keys',
    counted: `select count(distinct (tenant, entity)) from evidence.sink where mode = 'blind' and applied`,
    violations: `select tenant, entity, array_agg(distinct key) as keys, count(*) from evidence.sink
      where mode = 'blind' and applied group by 1, 2 having count(*) > 1`,
  },
  {
    id: 'I7',
    title: 'a call that succeeded had its effect',
    counted: `select count(*) from executions where status = 'succeeded'`,
    violations: `select e.tenant_id, e.case_id, e.execution_id, e.attempt, e.tries from executions e left join (
        select key, count(*) as times from evidence.sink where applied group by 1) s on s.key = e.execution_id::text
      where e.status = 'succeeded' and s.times is distinct from 1`,
  },
  {
    id: 'I7',
    title: 'the sink heard only of calls on the ledger',
    counted: 'select count(*) from evidence.sink',
    violations: `select s.tenant, s.entity, s.key, e.tenant_id from evidence.sink s
      left join executions e on e.execution_id::text = s.key
      where e.execution_id is null or e.tenant_id <> s.tenant or not s.authorized`,
  },
  {
    id: 'I7',
    title: 'one call for each step of a run',
    counted: 'select count(*) from executions',
    violations: `select tenant_id, case_id, run_id, step, count(*) from executions
      group by 1, 2, 3, 4 having count(*) > 1`,
  },
  {
    id: 'I7',
    title: 'only a call that must not be repeated ended as unknown',
    counted: `select count(*) from executions where status = 'unknown'`,
    violations: `select tenant_id, case_id, execution_id, effect from executions
      where status = 'unknown' and effect <> 'at_most_once'`,
  },
  {
    id: 'I7',
    title: 'each outcome is counted once in the figures of its playbook',
    counted: `select coalesce(sum(cases), 0) from figures where kind = 'playbook'`,
    violations: `select * from (select tenant_id, name, outcome, cases from figures where kind = 'playbook') f
      full join (select tenant_id, data -> 'used' ->> 'playbook' as name, data ->> 'outcome' as outcome, count(*) as events
        from journal where type = 'FeedbackCaptured' and data -> 'used' ->> 'playbook' is not null group by 1, 2, 3) j
      using (tenant_id, name, outcome) where cases is distinct from events`,
  },
  {
    id: 'I8',
    title: 'every call has ended, and told so once',
    counted: 'select count(*) from executions',
    violations: `select e.tenant_id, e.case_id, e.execution_id, e.status, e.attempt, e.lease_owner, e.lease_until, j.told
      from executions e left join (select tenant_id, (data ->> 'executionId')::uuid as id, count(*) as told from journal
        where type = 'ToolFinished' group by 1, 2) j on j.tenant_id = e.tenant_id and j.id = e.execution_id
      where e.status in ('pending', 'leased') or coalesce(j.told, 0) <> case e.status when 'canceled' then 0 else 1 end`,
  },
  {
    id: 'I8',
    title: 'every call that was asked for is on the ledger',
    counted: `select count(*) from journal where type = 'ToolRequested'`,
    violations: `select j.tenant_id, j.case_id, j.seq from journal j left join executions e on e.tenant_id = j.tenant_id
        and e.execution_id = (j.data ->> 'executionId')::uuid
      where j.type = 'ToolRequested' and e.execution_id is null`,
  },
];

const PEOPLE: readonly Invariant[] = [
  {
    id: 'I9',
    title: 'every wait that is over was resolved once',
    counted: 'select count(*) from waits',
    violations: `select w.tenant_id, w.case_id, w.wait_id, w.status, c.status as case_status, r.times from waits w
      join cases c on c.tenant_id = w.tenant_id and c.case_id = w.case_id
      left join (select tenant_id, (data ->> 'waitId')::uuid as id, count(*) as times from journal
        where type = 'WaitResolved' group by 1, 2) r on r.tenant_id = w.tenant_id and r.id = w.wait_id
      where w.status = 'decided' or (w.status = 'open' and c.status <> 'WAITING') or r.times > 1
        or (w.status in ('approved', 'rejected') and r.times is null)`,
  },
  {
    id: 'I9',
    title: 'of two who decided at once, one was told that it counted',
    counted: 'select count(distinct "waitId") from evidence.decisions',
    violations: `select "waitId", array_agg(status) as answers, array_agg(code) as codes from evidence.decisions
      group by 1 having count(*) filter (where status = 200) > 1
        or (count(*) filter (where status = 200) = 0 and count(*) filter (where status in (0, 503)) = 0)`,
  },
  {
    id: 'I10',
    title: 'no timer fired early, none is overdue',
    counted: `select (select count(*) from timers) + (select count(*) from journal where type in ('TimerFired', 'AccumulationElapsed'))`,
    violations: `select tenant_id, case_id, timer_id::text, due_at::text from timers where due_at < now() - interval '5 s'
      union all select tenant_id, case_id, data ->> 'timerId', time::text from journal where type in ('TimerFired', 'AccumulationElapsed')
        and extract(epoch from time) * 1000 < (data ->> 'dueAt')::float8 - 1`,
  },
  {
    id: 'I13',
    title: 'approvals come from named approvers, each once',
    counted: 'select count(*) from waits, jsonb_array_elements(decisions)',
    violations: `select w.tenant_id, w.wait_id, w.decisions from waits w where exists (
        select from jsonb_array_elements(w.decisions) d where not (w.terms -> 'from') ? (d ->> 'by'))
      or (select count(*) <> count(distinct d ->> 'by') from jsonb_array_elements(w.decisions) d)`,
  },
];

export const EFFECTS: readonly Invariant[] = [...CALLS, ...PEOPLE];
