-- Which pack version was made the active one, when and by whom: the audit of a pack's life. Written by: API, CLI (packs
-- activate, packs rollback), under the lock of the tenant's row. Read by: API, CLI.
create table pack_activations (
  tenant_id text not null references tenants,
  number integer not null, -- 1, 2, 3 … in the order in which they came to be
  version integer not null,
  previous integer, -- the version that was active before; null: none
  back integer, -- the activation that a rollback returns to; null: there is none
  kind text not null check (kind in ('activate', 'rollback')),
  at timestamptz not null default now(),
  by text not null,
  reason text,
  primary key (tenant_id, number),
  foreign key (tenant_id, version) references packs
);
alter table pack_activations enable row level security;
alter table pack_activations force row level security;
create policy tenant on pack_activations using (tenant_id in (select unnest(string_to_array(
  current_setting('app.tenants', true), ','))));
grant select, insert on pack_activations to millrace_app;
