-- Each run of this script is a new installation, and cursors of an earlier one are no longer valid. A
-- table may have had no triggers before this run, and then its changes are not in the outbox.
create table if not exists edge_cache.installation (
  only_one boolean primary key default true check (only_one),
  id uuid not null
);

insert into edge_cache.installation (id) values (gen_random_uuid())
  on conflict (only_one) do update set id = excluded.id;

-- Names the database in which a cursor is valid. A cursor holds numbers of transactions. These mean
-- nothing in another database, or in one that was restored to an earlier time. A restore begins a new
-- timeline; if only the disk was restored, Postgres at least had to restart.
create or replace function edge_cache.identity()
  returns text
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select format(
    '%s/%s/%s/%s', system_identifier, timeline_id,
    extract(epoch from pg_postmaster_start_time()), installation.id
  )
  from pg_control_system(), pg_control_checkpoint(), edge_cache.installation;
$$;

-- A cursor says what its owner has seen: in which database, at what time, and in which snapshot.
create or replace function edge_cache.cursor_now()
  returns text
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select format(
    '%s %s %s', edge_cache.identity(), extract(epoch from now()), pg_current_snapshot()
  );
$$;

-- The snapshot that a cursor names. It is null if the cursor is invalid, or if the outbox may lack
-- something that changed since.
create or replace function edge_cache.snapshot_of(cursor_text text)
  returns pg_snapshot
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  parts constant text[] := string_to_array(cursor_text, ' ');
  seconds numeric;
  seen pg_snapshot;
begin
  seconds := extract(epoch from now()) - parts[2]::numeric;
  seen := parts[3]::pg_snapshot;
  if parts[1] = edge_cache.identity()
    and seconds between 0 and 23 * 60 * 60
    and pg_snapshot_xmax(seen) <= pg_snapshot_xmax(pg_current_snapshot())
    and not edge_cache.has_gap_since(seen)
  then
    return seen;
  end if;
  return null;
exception when data_exception then
  return null;
end
$$;

-- What changed since `after`, the cursor of an earlier answer: the changes that the cursor's snapshot
-- does not show and the present one does. So a transaction that commits late is returned once.
--   {"cursor": text, "complete": boolean,
--    "changes": [{"id", "schema", "table", "key", "keys"}, …], "watched": [[schema, table], …],
--    "script": text}
-- If `complete` is false, anything may have changed. If there are more than 500 changes, or their keys
-- have more than a million bytes, the answer has one change for each table, without keys. A change of
-- the schema, of a policy or of a grant is named as one of the table edge_cache.catalogue, which does not
-- exist: release 0.2.0 of the Worker takes it for a change of a table that it does not serve. `watched`
-- lists the tables that have all their triggers, and their parts; the outbox may lack changes of the others.
-- `script` says which script ran last: it is the comment on the schema.
create or replace function edge_cache.changes_since(after text)
  returns json
  language plpgsql
  stable -- so the whole answer sees one snapshot, the one that its cursor names
  set search_path = pg_catalog, pg_temp
  set jit = off -- compiling would take longer than running
as $$
declare
  seen constant pg_snapshot := edge_cache.snapshot_of(after);
begin
  return (
    with unseen as materialized (
      select id, coalesce(schema_name, 'edge_cache') as schema, coalesce(table_name, 'catalogue') as "table",
        key_column as key, keys
      from edge_cache.outbox
      where transaction >= pg_snapshot_xmin(seen)
        and not pg_visible_in_snapshot(transaction, seen)
        -- A restored outbox can have rows whose transaction numbers are another database's.
        and transaction < pg_snapshot_xmax(pg_current_snapshot())
    ),
    size as (
      select count(*) <= 500 and coalesce(sum(octet_length(keys::text)), 0) <= 1000000 as is_small
      from (select keys from unseen limit 501) as some_of_it
    ),
    told as (
      select unseen.* from unseen, size where is_small
      union all
      select null::bigint, schema, "table", null, null::json
      from unseen, size where not is_small
      group by schema, "table"
    )
    select json_build_object(
      'cursor', edge_cache.cursor_now(),
      'complete', seen is not null,
      'changes', coalesce(json_agg(told), '[]'),
      'watched', (
        select coalesce(json_agg(distinct jsonb_build_array(nspname, relname)), '[]')
        from edge_cache.watched_relations
        join pg_class on pg_class.oid = relation
        join pg_namespace on pg_namespace.oid = relnamespace
        where watched_relation not in (select watched_relation from edge_cache.missing_triggers)
      ),
      'script', obj_description('edge_cache'::regnamespace, 'pg_namespace')
    )
    from told
  );
end
$$;

-- The Worker calls this. It is volatile because it removes old rows, and each statement of a volatile
-- function sees a new snapshot. So a single call of a stable function makes the answer.
create or replace function public.edge_cache_changes(secret text, after text default null)
  returns json
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  answer json;
begin
  perform edge_cache.require_secret(secret);
  answer := edge_cache.changes_since(after);
  perform edge_cache.prune(10000);
  return answer;
end
$$;

revoke all on function public.edge_cache_changes(text, text) from public;
grant execute on function public.edge_cache_changes(text, text) to anon, authenticated;
