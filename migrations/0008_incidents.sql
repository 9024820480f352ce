-- Incidents: cases that a rule of a pack groups under a parent, which is a case itself. Written by: the correlator of every
-- process, one at a time, under the locks of the cases concerned; `look` also by the shell, when the parent is closed. Read by: the
-- same, API.
create table incidents (
  tenant_id text not null references tenants,
  incident_id uuid not null, -- the parent's case, once it is made
  key text not null, -- of the rule and of what its members have in common
  taking boolean not null, -- takes members
  look boolean not null default false, -- something happened that the correlator has to act on
  due_at timestamptz, -- while there are too few members: when it is given up
  record jsonb not null, -- what the correlator knows of it
  created_at timestamptz not null default now(),
  primary key (tenant_id, incident_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create unique index incidents_taking on incidents (tenant_id, key) where taking;
create index incidents_look on incidents (tenant_id, incident_id) where look;
create index incidents_due on incidents (due_at);

-- Which incident a case is a member of: one, or none. Written by: intake's shell (the case asks), every shell (`look`, when it is
-- closed), the correlator. Read by: the correlator, API.
create table incident_members (
  tenant_id text not null,
  case_id uuid not null,
  incident_id uuid, -- null: the correlator has not seen it yet
  state text not null default 'new', -- new, gathering, waiting, free, over
  look boolean not null default true,
  joining jsonb, -- what it asks; null once it is a member
  joined_at timestamptz not null default now(),
  primary key (tenant_id, case_id),
  foreign key (tenant_id, case_id) references cases
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index incident_members_look on incident_members (joined_at) where look;
create index incident_members_incident on incident_members (tenant_id, incident_id, joined_at);

alter table incidents enable row level security;
alter table incidents force row level security;
create policy tenant on incidents using (tenant_id in (select unnest(string_to_array(
  current_setting('app.tenants', true), ','))));
grant select, insert, update, delete on incidents to millrace_app;

alter table incident_members enable row level security;
alter table incident_members force row level security;
create policy tenant on incident_members using (tenant_id in (select unnest(string_to_array(
  current_setting('app.tenants', true), ','))));
grant select, insert, update, delete on incident_members to millrace_app;
