-- The number of the latest transaction with a change that could not be written to the outbox. It is
-- kept in a sequence, because a sequence keeps its value even if the transaction is rolled back.
create sequence if not exists edge_cache.gaps;

-- Locked while a gap is noted. Otherwise two transactions could read the sequence at once, and the
-- lower number could overwrite the higher one.
create table if not exists edge_cache.gap_lock ();

-- Notes that this transaction has such a change. If several transactions do so, the highest number is
-- kept. It must not make the writer's statement fail.
create or replace function edge_cache.note_gap()
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  lock table edge_cache.gap_lock in exclusive mode;
  perform setval('edge_cache.gaps', greatest(last_value, pg_current_xact_id()::text::bigint))
  from edge_cache.gaps;
  -- The error rolls this block back, except for the sequence. So the lock is released now, and not only
  -- when the writer commits. Another error, or a cancelled statement, releases it in the same way.
  raise sqlstate 'EC001';
exception
  when sqlstate 'EC001' then
    null;
  when others then
    raise warning 'The edge cache cannot note that it missed a change (SQLSTATE %).', sqlstate;
end
$$;

-- Whether the outbox may lack a change that the snapshot `seen` does not show and the present one does.
-- Only the highest transaction with a gap is known. Lower ones may have a gap too, so each of them counts
-- if it was open in `seen` and has ended since.
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
