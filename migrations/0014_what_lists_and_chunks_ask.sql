-- What lists of cases show and ask for stands in columns of its own, so that the documents it comes from can be kept as the text
-- that they are, as the others have been since 0012. Generated first: that fills them whichever tenants the migrating role sees.
alter table cases
  add column type text generated always as (exception ->> 'type') stored,
  add column title text generated always as (exception ->> 'title') stored,
  add column entity text generated always as (exception ->> 'entity') stored,
  add column reported_severity text generated always as (exception ->> 'severity') stored,
  add column category text generated always as (triage ->> 'category') stored,
  add column severity text generated always as (triage ->> 'severity') stored,
  add column priority smallint generated always as (
    case when jsonb_typeof(triage) = 'object' then coalesce((triage ->> 'priority')::smallint, 3) end) stored,
  add column awaited json; -- by stage the id of the last event it was sent, until it has seen it: a chunk need not ask the journal
alter table cases
  alter column type drop expression,
  alter column title drop expression,
  alter column entity drop expression,
  alter column reported_severity drop expression,
  alter column category drop expression,
  alter column severity drop expression,
  alter column priority drop expression;
alter table cases
  alter column exception type json using exception::json,
  alter column triage type json using triage::json;
