-- Removes `at_most` of the oldest rows, if they are older than two days. No cursor is valid for more
-- than 23 hours, and two days also cover a transaction that took a day to commit. If this fails, it only
-- warns: the caller's own work must succeed, and the next call tries again.
create or replace function edge_cache.prune(at_most int)
  returns void
  language plpgsql -- because it keeps its plans, and SQL functions do not
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '500ms'
as $$
declare
  age constant interval := '2 days';
begin
  -- A read-only transaction cannot delete. Under other isolation levels, this transaction would fail if
  -- another one removed the same row.
  if current_setting('transaction_read_only')::boolean
    or current_setting('transaction_isolation') <> 'read committed'
    or now() - age < (select written_at from edge_cache.outbox order by transaction, id limit 1)
  then
    return;
  end if;
  with old as (
    select transaction, id
    from edge_cache.outbox
    where written_at < now() - age
      and (transaction, id) in (
        select transaction, id from edge_cache.outbox order by transaction, id limit at_most
      )
    for update skip locked
  )
  delete from edge_cache.outbox
  using old
  where (outbox.transaction, outbox.id) = (old.transaction, old.id);
exception when others then
  raise warning 'The edge cache cannot remove old changes from its outbox (SQLSTATE %).', sqlstate;
end
$$;
