-- An analysis of a table reads 300 rows for each step of the finest statistics of its columns, 30,000 by default, and at a
-- busy pipeline each of these three tables is analysed once a minute: 1.4 s of a core, in one go, beside work that waits for it.
-- 3,000 rows are enough for the few plans there are. No plan asks about documents.
do $$
declare
  one record;
begin
  for one in
    select attrelid::regclass as name, attname, case when atttypid in ('json'::regtype, 'jsonb'::regtype) then 0 else 10 end as steps
    from pg_attribute
    where attrelid in ('cases'::regclass, 'executions'::regclass, 'journal'::regclass)
      and attnum > 0 and not attisdropped
  loop
    execute format('alter table %s alter column %I set statistics %s', one.name, one.attname, one.steps);
  end loop;
end
$$;
