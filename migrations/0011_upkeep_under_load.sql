-- What every process looks after while thousands of events a second go through.

-- The oldest row of the outbox: without this each look read all of it, and what was deleted since the last vacuum.
create index outbox_age on outbox (created_at);

-- A BRIN index does not know what was inserted since the last vacuum, and has all of it read by every search. The reconciler
-- asks for the newest minute of all, so it tells the index first. Another that does the same, or a vacuum, is not waited for:
-- a vacuum of its own accord would give way to who waits, every minute anew.
create function summarize_journal() returns void language plpgsql security definer
  set search_path from current set lock_timeout = '50ms' as $$
begin
  perform brin_summarize_new_values('journal_time');
exception when lock_not_available then
  null;
end
$$;
revoke all on function summarize_journal() from public;
grant execute on function summarize_journal() to millrace_app;
