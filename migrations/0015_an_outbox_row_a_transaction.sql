-- A transaction's events are one row of the outbox: a row, two index entries and a deletion an event cost as much as its journal row.
alter table outbox rename to outbox_before;
alter index outbox_pkey rename to outbox_before_pkey;
drop index outbox_age;

-- Journal rows that are not published yet. Written by: whoever appends. Read by: the sweeper. Deleted by: who published them.
create table outbox (
  tenant_id text not null,
  batch_id uuid not null,
  created_at timestamptz not null, -- no event of it is older, but for those that are sent again
  taken_at timestamptz not null default now(), -- when somebody last set about publishing it
  case_ids uuid[] not null,
  seqs integer[] not null, -- of the event of the case at the same place
  primary key (tenant_id, batch_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index outbox_age on outbox (taken_at);
create index outbox_since on outbox (tenant_id, created_at);

-- Forced row-level security would hide the rows of all tenants from an owner that is no superuser.
alter table outbox_before no force row level security;
insert into outbox (batch_id, tenant_id, created_at, case_ids, seqs)
  select gen_random_uuid(), tenant_id, min(created_at) - interval '1 minute', array_agg(case_id order by case_id, seq), array_agg(seq order by case_id, seq)
  from (select *, (row_number() over (partition by tenant_id order by case_id, seq) - 1) / 500 as part from outbox_before) o
  group by tenant_id, part;
drop table outbox_before;

alter table outbox enable row level security;
alter table outbox force row level security;
create policy tenant on outbox using (tenant_id in (select unnest(string_to_array(
  current_setting('app.tenants', true), ','))));
grant select, insert, update, delete on outbox to millrace_app;
