/** From what was accepted to the journal and the topics: nothing lost, nothing doubled, nothing out of order. */
import type { Invariant } from './invariant.js';

const ACCEPTED: readonly Invariant[] = [
  {
    id: 'I1',
    title: 'every accepted id is one case of its tenant',
    counted: 'select count(distinct id) from evidence.sent where id is not null',
    violations: `select distinct s.tenant, s.id, s.n, s.kind, s.request from evidence.sent s
      left join cases c on c.tenant_id = s.tenant and c.case_id = s.id where s.id is not null and c.case_id is null`,
  },
  {
    id: 'I1',
    title: 'every accepted report stands in the journal of its case',
    counted: `select count(*) from evidence.sent where result = 'accepted' and not resolve`,
    violations: `select s.tenant, s.id, s.n, s.kind, s.request from evidence.sent s
      left join evidence.reports r on r.tenant = s.tenant and r.n = s.n and r.case_id = s.id
      where s.result = 'accepted' and not s.resolve and r.n is null`,
  },
  {
    id: 'I1',
    title: 'duplicates made no second case',
    counted: 'select count(distinct (tenant, n)) from evidence.reports where not resolve',
    violations: `select tenant, n, array_agg(distinct case_id) as cases from evidence.reports where not resolve
      group by tenant, n having count(distinct case_id) > 1`,
  },
  {
    id: 'I1',
    title: 'no case that nobody reported',
    counted: 'select count(*) from cases',
    violations: `select c.tenant_id, c.case_id, c.status from cases c where not exists (
      select from evidence.reports r join evidence.sent s on s.tenant = r.tenant and s.n = r.n
      where r.tenant = c.tenant_id and r.case_id = c.case_id)`,
  },
  {
    id: 'I1',
    title: 'no good request was refused',
    counted: 'select count(*) from evidence.sent',
    violations: `select tenant, request, n, kind, outcome from evidence.sent where result = 'refused'`,
  },
  {
    id: 'I1',
    title: 'each report of an open case is counted once',
    counted: `select count(*) from evidence.kinds where kind = 'stuck'`,
    violations: `select * from (select c.tenant_id, c.case_id, c.count,
        count(distinct (s.request, s.idx)) filter (where s.result = 'accepted') as accepted,
        count(distinct (s.request, s.idx)) as sent
      from evidence.kinds k join cases c on c.tenant_id = k.tenant and c.case_id = k.case_id
      join (select distinct tenant, case_id, n from evidence.reports) r on r.tenant = k.tenant and r.case_id = k.case_id
      join evidence.sent s on s.tenant = r.tenant and s.n = r.n
      where k.kind = 'stuck' group by 1, 2, 3) x where count not between accepted and sent`,
  },
];

const JOURNAL: readonly Invariant[] = [
  {
    id: 'I2',
    title: 'the journal has no gap and no repeat within a case',
    counted: 'select count(*) from journal',
    violations: `select c.tenant_id, c.case_id, c.seq, j.n, j.lo, j.hi from cases c full join (
        select tenant_id, case_id, count(*) as n, min(seq) as lo, max(seq) as hi from journal group by 1, 2
      ) j on j.tenant_id = c.tenant_id and j.case_id = c.case_id
      where j.n is distinct from j.hi or j.lo is distinct from 1 or j.hi is distinct from c.seq`,
  },
  {
    id: 'I2',
    title: 'no event id twice',
    counted: 'select count(distinct event_id) from journal',
    violations: 'select event_id, count(*) from journal group by 1 having count(*) > 1',
  },
  {
    id: 'I2',
    title: 'each event names the one before it on its topic',
    counted: 'select count(*) from journal where stage is not null',
    violations: `select * from (select tenant_id, case_id, seq, type, after, coalesce(lag(seq) over (
        partition by tenant_id, case_id, stage order by seq), 0) as before from journal where stage is not null) j
      where after <> before`,
  },
  {
    id: 'I2',
    title: 'each event but the first of a cause has its cause in the journal',
    counted: 'select count(*) from journal where cause_id is not null',
    violations: `select j.tenant_id, j.case_id, j.seq, j.type, j.cause_id from journal j
      left join journal c on c.tenant_id = j.tenant_id and c.case_id = j.case_id and c.event_id = j.cause_id
      where j.cause_id is not null and c.event_id is null`,
  },
];

const TOPICS: readonly Invariant[] = [
  {
    id: 'I3',
    title: 'every event for a stage is on its topic',
    counted: 'select count(*) from journal where stage is not null',
    violations: `select j.tenant_id, j.case_id, j.seq, j.type, j.stage from journal j left join (
        select distinct stage, event_id from evidence.records where by_hand is null and stage is not null
      ) r on r.stage = j.stage and r.event_id = j.event_id::text where j.stage is not null and r.event_id is null`,
  },
  {
    id: 'I3',
    title: 'every stage has handled what was sent to it',
    counted: 'select count(*) from cases c, json_each_text(c.sent)',
    violations: `select c.tenant_id, c.case_id, c.status, c.blocked, c.seen, c.sent, j.last from cases c join (
        select tenant_id, case_id, jsonb_object_agg(stage, hi) as last from (
          select tenant_id, case_id, stage, max(seq) as hi from journal where stage is not null group by 1, 2, 3) x
        group by 1, 2) j on j.tenant_id = c.tenant_id and j.case_id = c.case_id
      where c.seen::jsonb <> c.sent::jsonb or c.sent::jsonb <> j.last or c.awaited is not null`,
  },
  {
    id: 'I4',
    title: 'on each topic the events of a case first appear in order',
    counted: `select count(distinct (topic, tenant, case_id)) from evidence.records
      where stage is not null and by_hand is null`,
    violations: `select * from (select topic, tenant, case_id, seq, first, lag(first) over (
        partition by topic, tenant, case_id order by seq) as before from (
        select topic, tenant, case_id, seq, min(off) as first from evidence.records
        where stage is not null and by_hand is null group by 1, 2, 3, 4) f) o where before > first`,
  },
  {
    id: 'I4',
    title: 'the events of a case share a partition of each topic',
    counted: 'select count(distinct (topic, tenant, case_id)) from evidence.records where stage is not null',
    violations: `select topic, tenant, case_id, array_agg(distinct partition) as partitions from evidence.records
      where stage is not null and readable and coalesce(by_hand, '') not like 'poison%'
      group by 1, 2, 3 having count(distinct partition) > 1`,
  },
  {
    id: 'I6',
    title: 'every event on a topic is the journal’s, word for word',
    counted: `select count(*) from evidence.records where stage is not null and coalesce(by_hand, '') not like 'poison%'`,
    violations: `select r.topic, r.partition, r.off, r.tenant, r.case_id, r.seq, r.type, j.type as journal_type,
        r.data = j.data::jsonb as same_data from evidence.records r
      left join journal j on j.event_id::text = r.event_id and j.tenant_id = r.tenant and j.case_id::text = r.case_id
      where r.stage is not null and coalesce(r.by_hand, '') not like 'poison%' and (
        j.event_id is null or j.seq <> r.seq or j.after <> r.after or j.type <> r.type or j.data::jsonb is distinct from r.data
        or j.stage is distinct from r.stage or r.key is distinct from r.tenant || ':' || r.case_id)`,
  },
  {
    id: 'I6',
    title: 'the outbox is empty',
    counted: 'select count(*) from outbox',
    violations: 'select tenant_id, batch_id, created_at, taken_at, case_ids, seqs from outbox',
  },
];

export const JOURNEY: readonly Invariant[] = [...ACCEPTED, ...JOURNAL, ...TOPICS];
