/** Positions and offsets agree, tenants stay apart, and poison harms nothing but itself. */
import type { Invariant } from './invariant.js';

const OFFSETS: readonly Invariant[] = [
  {
    id: 'I11',
    title: 'no position beyond the end of its partition, no offset beyond its position',
    counted: 'select count(*) from positions',
    violations: `select p.topic, p.partition, p.epoch, p.next_offset, m.high, c.off as committed from positions p
      join evidence.marks m on m.topic = p.topic and m.partition = p.partition
      left join evidence.committed c on c.grp = p.consumer_group and c.topic = p.topic and c.partition = p.partition
      where p.next_offset > m.high
        or (c.off > p.next_offset and p.epoch = (select max(epoch) from positions))`,
  },
  {
    id: 'I16',
    title: 'everything on the topics was consumed',
    counted: 'select coalesce(sum(high - low), 0) from evidence.marks join evidence.topics using (topic)',
    violations: `select m.topic, m.partition, m.low, m.high, p.next_offset from evidence.marks m
      join evidence.topics using (topic) left join positions p on p.topic = m.topic and p.partition = m.partition
        and p.epoch = (select max(epoch) from positions)
      where m.high > m.low and p.next_offset is distinct from m.high`,
  },
];

const TENANTS: readonly Invariant[] = [
  {
    id: 'I12',
    title: 'no tenant’s words in another tenant’s journal',
    counted: 'select count(*) from journal',
    violations: `select tenant_id, case_id, seq, type from journal
      where replace(data::text, 'canary-' || tenant_id || '"', '') like '%canary-%'`,
  },
  {
    id: 'I12',
    title: 'every case, record and call belongs to the tenant that reported it',
    counted: 'select count(*) from cases',
    violations: `select c.tenant_id, c.case_id::text, c.exception ->> 'entity' as of from cases c
        where c.exception ->> 'entity' not like c.tenant_id || '-e%'
      union all select e.tenant_id, e.case_id::text, e.input ->> 'path' from executions e
        where e.input ->> 'path' not like '/%/' || e.tenant_id || '/' || e.tenant_id || '-e%'`,
  },
];

const POISON: readonly Invariant[] = [
  {
    id: 'I14',
    title: 'every poisoned record became one dead letter with its code',
    counted: 'select count(*) from evidence.poison where codes is not null',
    violations: `select p.name, p.topic, p.partition, p.off, p.codes, array_agg(d.code) as found from evidence.poison p
      left join dead_letters d on d.topic = p.topic and d.partition = p.partition and d.record_offset = p.off
      where p.codes is not null group by 1, 2, 3, 4, 5
      having count(d.code) <> 1 or not (min(d.code) = any (p.codes))`,
  },
  {
    id: 'I14',
    title: 'nothing but poison became a dead letter',
    counted: 'select count(*) from dead_letters',
    violations: `select d.tenant_id, d.case_id, d.topic, d.partition, d.record_offset, d.code, d.message, d.event_type
      from dead_letters d left join evidence.poison p
        on p.topic = d.topic and p.partition = d.partition and p.off = d.record_offset and d.code = any (p.codes)
      where p.topic is null`,
  },
  {
    id: 'I14',
    title: 'every dead letter is on the topic for people, and nothing else is',
    counted: `select count(*) from evidence.records where stage is null`,
    violations: `select d.dead_letter_id::text, r.letter, coalesce('dlq.' || d.topic, r.topic) as topic from dead_letters d
      full join (select distinct topic, letter from evidence.records where stage is null) r
        on r.letter = d.dead_letter_id::text and r.topic = 'dlq.' || d.topic
      where d.dead_letter_id is null or r.letter is null`,
  },
  {
    id: 'I14',
    title: 'no case is blocked without a dead letter',
    counted: 'select count(*) from cases where blocked',
    violations: `select c.tenant_id, c.case_id, c.status from cases c where c.blocked and not exists (
        select from dead_letters d where d.tenant_id = c.tenant_id and d.case_id = c.case_id and d.status = 'open')`,
  },
];

export const PLACES: readonly Invariant[] = [...OFFSETS, ...TENANTS, ...POISON];
