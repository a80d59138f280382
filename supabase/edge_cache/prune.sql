-- Removes so many of the oldest rows, as far as they are old. Nobody asks for what is older than 23
-- hours; two days also cover a transaction that took a day to commit. What fails here is left to the
-- next time: whoever prunes has something else to do.
create or replace function edge_cache.prune(at_most int)
  returns void
  language plpgsql -- whose plans are kept, unlike those of SQL functions
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '500ms'
as $$
declare
  age constant interval := '2 days';
begin
  -- Where more is forbidden, or where somebody else's removal of a row would be this one's failure.
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
  raise warning 'The edge cache''s outbox keeps old changes (SQLSTATE %).', sqlstate;
end
$$;
