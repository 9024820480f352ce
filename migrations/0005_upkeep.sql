-- How the busy tables are kept small. The ledger and the cases grow for ever while their rows change a few times and rest: a
-- fifth of them dead, which is what autovacuum waits for by default, would be millions, all passed over by each claim.
alter table executions set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
alter table cases set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
alter table waits set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);

-- Few rows, each changed by every chunk: room beside each for its next versions.
alter table figures set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
alter table positions set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
