-- Calls of urgent cases go first. A call that has not begun stands in line by next_at, which is earlier the more urgent its case
-- is; one that is to be tried again has there the time before which it must not be.
alter table executions add column priority smallint not null default 3; -- of its case, 1 before 5
create index executions_fresh on executions (next_at) where status = 'pending' and attempt = 0;
create index executions_again on executions (next_at) where status = 'pending' and attempt > 0;
drop index executions_due;
