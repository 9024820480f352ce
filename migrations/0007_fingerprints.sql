-- How often each fingerprint was reported, over all its cases, where a tenant's pack asks for it. Written by: ingestion, in the
-- transaction that accepts the reports. Read by: the same. Deleted by: housekeeping, once nobody has reported it for a month.
create table fingerprints (
  tenant_id text not null,
  fingerprint text not null,
  count bigint not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  buckets jsonb not null, -- reports of the last day by five minutes, each named by its number since 1970
  primary key (tenant_id, fingerprint)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

alter table fingerprints enable row level security;
alter table fingerprints force row level security;
create policy tenant on fingerprints using (tenant_id in (select unnest(string_to_array(
  current_setting('app.tenants', true), ','))));
grant select, insert, update, delete on fingerprints to millrace_app;
