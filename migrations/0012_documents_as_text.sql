-- What is written and read whole is kept as the text that it is: as jsonb, each event was taken apart and put together again
-- on its way in, and on its way out, an eighth of a busy database's time. Lists of cases look into exception and triage.
alter table journal alter column data type json using data::json;
alter table cases
  alter column seen drop default, alter column sent drop default;
alter table cases
  alter column seen type json using seen::json,
  alter column sent type json using sent::json,
  alter column policy type json using policy::json,
  alter column run type json using run::json,
  alter column feedback type json using feedback::json;
alter table cases alter column seen set default '{}', alter column sent set default '{}';
