-- The tables of Millrace. Runs unchanged on Postgres 15 to 18 and on PGlite. Every tenant table starts its keys with
-- tenant_id and has row-level security enabled and forced; the runtime role owns nothing and cannot bypass it.

do $$
begin
  if not exists (select from pg_roles where rolname = 'millrace_app') then
    create role millrace_app nologin nosuperuser nobypassrls;
  end if;
exception when duplicate_object or unique_violation then null; -- another database of this server made it just now
end
$$;

-- Tenants. Written by: migrate, API (packs activate). Read by: everybody (the list of names is no secret within a cluster).
create table tenants (
  tenant_id text primary key check (tenant_id <> ''),
  active_pack integer,
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);

-- Immutable pack versions. Written by: API, CLI. Read by: API and all workers (cached by tenant and version).
create table packs (
  tenant_id text not null references tenants,
  version integer not null,
  hash text not null,
  name text not null,
  files jsonb not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  primary key (tenant_id, version),
  unique (tenant_id, hash)
);

-- API keys, hashed. Written by: CLI (keys). Read by: API.
create table api_keys (
  tenant_id text not null references tenants,
  key_id text not null,
  name text not null,
  secret_hash text not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  primary key (tenant_id, key_id)
);

-- One row a case. Written by: API (creation) and the six stages through the shell, each its own section. Read by: all.
create table cases (
  tenant_id text not null references tenants,
  case_id uuid not null,
  kind text not null default 'exception',
  status text not null default 'OPEN',
  paused boolean not null default false,
  blocked boolean not null default false,
  version integer not null default 1,
  seq integer not null default 0,
  seen jsonb not null default '{}',
  sent jsonb not null default '{}',
  held jsonb,
  open_key text,
  source text not null,
  count integer not null default 0,
  exception jsonb,
  triage jsonb,
  policy jsonb,
  run jsonb,
  feedback jsonb,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  closed_at timestamptz,
  primary key (tenant_id, case_id)
) with (fillfactor = 60);
create unique index cases_open on cases (tenant_id, open_key) where open_key is not null;
create index cases_created on cases (tenant_id, created_at desc, case_id);
create index cases_unclosed on cases (tenant_id, created_at) where closed_at is null;

-- All events of all cases, append-only. Written by: API, shell, timers, executors. Read by: publishing, API, replay.
create table journal (
  tenant_id text not null,
  case_id uuid not null,
  seq integer not null,
  event_id uuid not null,
  type text not null,
  emitter text not null,
  stage text, -- the stage it is for; null: journal only
  after integer not null,
  cause_id uuid,
  traceparent text,
  time timestamptz not null,
  data jsonb not null,
  primary key (tenant_id, case_id, seq) -- no foreign key: every writer holds the case's lock, and a check a row would cost 10 %
);
create index journal_time on journal using brin (time); -- for the reconciler; a btree beginning with the tenant tempted plans made on empty tables

-- Journal rows that are not published yet. Written by: whoever appends. Read and deleted by: whoever publishes.
create table outbox (
  tenant_id text not null,
  case_id uuid not null,
  seq integer not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, case_id, seq)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The truth about what was consumed. Written and read by: the shell of each worker.
create table positions (
  consumer_group text not null,
  topic text not null,
  epoch integer not null,
  partition integer not null,
  next_offset bigint not null,
  updated_at timestamptz not null default now(),
  primary key (consumer_group, topic, epoch, partition)
) with (fillfactor = 50);

-- Workers and when they were last seen. Written by: every process. Read by: API (pipeline), CLI (check).
create table workers (
  worker_id text primary key,
  stage text not null,
  consumer_group text not null,
  host text not null,
  pid integer not null,
  started_at timestamptz not null,
  last_seen_at timestamptz not null default now(),
  stopped_at timestamptz
);

-- Tool calls. Written by: the tool worker's shell and executors. Read by: executors, API.
create table executions (
  tenant_id text not null,
  execution_id uuid not null,
  case_id uuid not null,
  run_id uuid not null,
  step text not null,
  tool text not null,
  block text not null,
  connection text,
  input jsonb not null,
  effect text not null,
  timeout_ms integer not null,
  retry jsonb not null,
  pack_version integer not null,
  traceparent text,
  cause_id uuid not null,
  status text not null default 'pending', -- pending, leased, succeeded, failed, timeout, canceled, unknown
  attempt integer not null default 0,
  tries integer not null default 0,
  lease_owner text,
  lease_until timestamptz,
  next_at timestamptz not null default now(),
  result jsonb,
  error jsonb,
  latency_ms double precision,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, execution_id)
) with (fillfactor = 70);
create index executions_due on executions (next_at) where status = 'pending';
create index executions_leased on executions (lease_until) where status = 'leased';
create index executions_case on executions (tenant_id, case_id);

-- Suspended runs' reasons. Written by: playbook's shell, API (decisions). Read by: API, console.
create table waits (
  tenant_id text not null,
  wait_id uuid not null,
  case_id uuid not null,
  run_id uuid not null,
  step text not null,
  kind text not null,
  title text not null,
  terms jsonb not null,
  pack_version integer not null,
  status text not null default 'open', -- open, decided, approved, rejected, expired, canceled
  decisions jsonb not null default '[]',
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  closed_at timestamptz,
  primary key (tenant_id, wait_id),
  foreign key (tenant_id, case_id) references cases
);
create index waits_case on waits (tenant_id, case_id);

-- Due work. Written by: the shell. Read and deleted by: the timer loop of every process.
create table timers (
  tenant_id text not null,
  timer_id uuid not null,
  case_id uuid not null,
  kind text not null,
  due_at timestamptz not null,
  data jsonb not null,
  primary key (tenant_id, timer_id),
  foreign key (tenant_id, case_id) references cases
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index timers_due on timers (due_at);

-- Inputs that could not be handled. Written by: the shell. Read by: API, CLI, replay.
create table dead_letters (
  tenant_id text not null,
  dead_letter_id uuid not null,
  case_id uuid,
  seq integer,
  stage text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  code text not null,
  message text not null,
  path text,
  event_type text,
  key text,
  value text not null, -- base64 of the bytes as they came
  headers jsonb not null,
  status text not null default 'open', -- open, replayed, discarded
  attempts integer not null default 1,
  first_at timestamptz not null default now(),
  last_at timestamptz not null default now(),
  published_at timestamptz,
  primary key (tenant_id, dead_letter_id)
);
create index dead_letters_unpublished on dead_letters (first_at) where published_at is null;
create index dead_letters_first on dead_letters (tenant_id, first_at desc, dead_letter_id);
create index dead_letters_case on dead_letters (tenant_id, case_id) where case_id is not null;

-- How well what was used did. Written by: feedback's shell. Read by: API.
create table figures (
  tenant_id text not null references tenants,
  kind text not null, -- rule, policy, playbook
  name text not null,
  outcome text not null,
  cases bigint not null,
  total_ms double precision not null,
  primary key (tenant_id, kind, name, outcome)
);

-- Answers to requests with an Idempotency-Key. Written and read by: API.
create table idempotency_keys (
  tenant_id text not null references tenants,
  key text not null,
  body_hash text not null,
  answer jsonb,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key)
);

do $$
declare
  name text;
begin
  foreach name in array array['packs', 'api_keys', 'cases', 'journal', 'outbox', 'executions', 'waits', 'timers',
    'dead_letters', 'figures', 'idempotency_keys'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    -- A hashed set, looked up once a row. As `= any (array)` it would become an index condition beside the tenant
    -- that a statement names, and each look-up would walk through all tenants of the transaction.
    execute format('create policy tenant on %I using (tenant_id in (select unnest(string_to_array('
      'current_setting(''app.tenants'', true), '',''))))', name);
    execute format('grant select, insert, update, delete on %I to millrace_app', name);
  end loop;
end
$$;

-- The registry of tenants: each process may read the names, only a tenant's own transaction may change its row.
alter table tenants enable row level security;
alter table tenants force row level security;
create policy names on tenants for select using (true);
create policy tenant on tenants using (tenant_id in (select unnest(string_to_array(
  current_setting('app.tenants', true), ','))));
grant select, insert, update on tenants to millrace_app;
grant select, insert, update, delete on positions, workers to millrace_app;
