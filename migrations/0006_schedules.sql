-- When the schedules of the active packs are due. Written by: intake workers (the pack's words, and each time that comes, under
-- the row's lock). Read by: the same. A row whose schedule the pack has no more goes when it is due.
create table schedules (
  tenant_id text not null references tenants,
  name text not null,
  spec text not null, -- cron and time zone: when they change, the next time is made anew
  next_at timestamptz, -- null: it never comes again
  last_at timestamptz, -- the time that was last acted on
  outcome text, -- created, skipped (the case before is still open), missed
  case_id uuid, -- the case that was made, or that was still open
  fired integer not null default 0,
  skipped integer not null default 0,
  missed integer not null default 0, -- times that came while nobody was there
  primary key (tenant_id, name)
) with (fillfactor = 70);
create index schedules_due on schedules (next_at);

alter table schedules enable row level security;
alter table schedules force row level security;
create policy tenant on schedules using (tenant_id in (select unnest(string_to_array(
  current_setting('app.tenants', true), ','))));
grant select, insert, update, delete on schedules to millrace_app;
