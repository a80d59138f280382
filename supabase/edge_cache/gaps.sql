-- The number of the latest transaction with a change that could not be written to the outbox. It is
-- kept in a sequence, as that is written outside of the transaction.
create sequence if not exists edge_cache.gaps;

-- Whoever notes a gap locks this table. Otherwise two could read the sequence at once, and the lower
-- number could overwrite the higher one.
create table if not exists edge_cache.gap_lock ();

-- Notes that this transaction has such a change. Of several that are open the highest is kept.
-- It must not fail the writer.
create or replace function edge_cache.note_gap()
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  lock table edge_cache.gap_lock in exclusive mode;
  perform setval('edge_cache.gaps', greatest(last_value, pg_current_xact_id()::text::bigint))
  from edge_cache.gaps;
  -- This takes back what this block did, but for the sequence. So the lock is released at once, and
  -- not when the writer commits; an error, or a statement that is cancelled, releases it likewise.
  raise sqlstate 'EC001';
exception
  when sqlstate 'EC001' then
    null;
  when others then
    raise warning 'The edge cache cannot note that it was not told of a change (SQLSTATE %).', sqlstate;
end
$$;

-- Whether the outbox may lack a change that a snapshot did not show and the present one does. Only the
-- highest transaction with a gap is known, so all count that were open beside it and are over by now.
create or replace function edge_cache.has_gap_since(seen pg_snapshot)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
    from (select last_value::text::xid8 as highest from edge_cache.gaps) as gap
    cross join lateral (
      select highest union all select * from pg_snapshot_xip(seen)
    ) as unseen (transaction)
    where transaction <= highest
      and not pg_visible_in_snapshot(transaction, seen)
      and pg_visible_in_snapshot(transaction, pg_current_snapshot())
  );
end
$$;
