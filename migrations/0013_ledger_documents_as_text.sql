-- What a call was given and what it came to is written and read whole: kept as the text that it is, like the journal's data.
alter table executions
  alter column input type json using input::json,
  alter column retry type json using retry::json,
  alter column result type json using result::json,
  alter column error type json using error::json;

-- An analysis sorts thirty thousand documents of each jsonb column, which no plan asks about: at a busy pipeline a second of
-- a core in every minute.
alter table cases
  alter column exception set statistics 0,
  alter column triage set statistics 0,
  alter column held set statistics 0;
