-- Creates the triggers that are missing. If `altered` is given, these are only triggers that are not there at
-- all, of these relations and of their partitions. It does not replace an existing trigger,
-- because that waits for all writers of its table, and new writers would wait behind it. If it fails for a
-- table, such as one with another owner, it goes on with the others, and edge_cache.check() lists the
-- table.
create or replace function edge_cache.create_triggers(altered oid[] default null)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off -- compiling would take longer than running
as $$
declare
  one record;
  on_table regclass;
begin
  for on_table in
    select distinct relation
    from edge_cache.missing_triggers
    where altered is null or not is_there and (
      relation = any (altered)
      or exists (select from pg_partition_ancestors(relation) as above where above = any (altered))
    )
  loop
    begin
      for one in select * from edge_cache.missing_triggers where relation = on_table loop
        execute format(
          'create or replace trigger %I after %s on %s %s for each statement
             execute function edge_cache.%I()',
          one.trigger_name, one.event, on_table, one.transition_tables, one.function_name
        );
      end loop;
    exception when others then
      raise warning '% is not watched: %', on_table, sqlerrm;
    end;
  end loop;
end
$$;

-- Finds what has to be watched, creates what that lacks, and drops what is not needed.
create or replace function edge_cache.watch()
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off -- compiling would take longer than running
as $$
declare
  one record;
begin
  delete from edge_cache.watched;
  for one in
    select targets.*, edge_cache.mark_of(schema_name, name, key_column, key_type) as mark, event
    from edge_cache.targets
    cross join unnest(array['insert', 'update', 'delete', 'truncate']) as event
  loop
    insert into edge_cache.watched (schema_name, name, key_column, mark)
      values (one.schema_name, one.name, one.key_column, one.mark)
      on conflict do nothing;
    if to_regprocedure(format('edge_cache.%s_%s()', one.event, one.mark)) is null then
      execute format(
        'create function edge_cache.%1$s_%2$s() returns trigger language plpgsql security definer
           set search_path = pg_catalog, pg_temp as %3$L',
        one.event, one.mark,
        edge_cache.announcer(one.event, one.schema_name, one.name, one.key_column, one.key_type)
      );
      -- So nobody can call it from a trigger of their own.
      execute format('revoke all on function edge_cache.%s_%s() from public', one.event, one.mark);
    end if;
  end loop;
  for one in select * from edge_cache.needless_triggers loop
    begin
      execute format('drop trigger %I on %s', one.tgname, one.tgrelid::regclass);
    exception when others then
      raise warning '% keeps its trigger %: %', one.tgrelid::regclass, one.tgname, sqlerrm;
    end;
  end loop;
  perform edge_cache.create_triggers();
  for one in
    select oid::regprocedure as function
    from pg_proc
    where pronamespace = 'edge_cache'::regnamespace
      and prorettype = 'trigger'::regtype
      and oid not in (select tgfoid from pg_trigger)
      and not exists (select from edge_cache.watched where proname like '%\_' || mark)
  loop
    execute format('drop function %s', one.function);
  end loop;
end
$$;

do $$ begin perform edge_cache.watch(); end $$;
