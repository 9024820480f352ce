-- How often what a policy allows was used, by its budget's key. Written by: policy's shell, under the row's lock. Read by: the
-- same. Deleted by: housekeeping, once no use is within the window.
create table budgets (
  tenant_id text not null,
  budget text not null, -- the policy's name
  key text not null,
  uses jsonb not null default '[]', -- when, epoch ms, oldest first
  expires_at timestamptz not null, -- when the last of them leaves the window
  primary key (tenant_id, budget, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

alter table budgets enable row level security;
alter table budgets force row level security;
create policy tenant on budgets using (tenant_id in (select unnest(string_to_array(
  current_setting('app.tenants', true), ','))));
grant select, insert, update, delete on budgets to millrace_app;
