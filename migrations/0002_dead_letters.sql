-- The story of a dead letter: what people did with it, how often it failed, and the input that replaces the one it came with.
alter table dead_letters
  add column edited jsonb, -- {key, value (base64), headers}: sent instead when it is replayed
  add column parks boolean not null default false, -- replayed as often as it may be: if it fails again, it is parked
  add column settled_by text,
  add column settled_at timestamptz,
  add column reason text,
  add column history jsonb not null default '[]'; -- what happened to it, oldest first
create index dead_letters_open on dead_letters (tenant_id, first_at, dead_letter_id) where status in ('open', 'parked');
