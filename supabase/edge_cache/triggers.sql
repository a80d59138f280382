-- Creates the missing triggers of the declared tables and their partitions, and drops those that are not
-- needed. It does not replace an existing trigger, because that waits for all writers of its table, and
-- new writers would wait behind it. If it fails for a table, such as one with another owner, it goes on
-- with the others, and edge_cache.check() lists the table.
create or replace function edge_cache.watch()
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
  on_table regclass;
begin
  for one in select * from edge_cache.needless_triggers loop
    begin
      execute format('drop trigger %I on %s', one.tgname, one.tgrelid::regclass);
    exception when others then
      raise warning '% keeps its trigger %: %', one.tgrelid::regclass, one.tgname, sqlerrm;
    end;
  end loop;
  for on_table in select distinct relation from edge_cache.missing_triggers loop
    begin
      for one in select * from edge_cache.missing_triggers where relation = on_table loop
        execute format(
          'create or replace trigger %I after %s on %s %s for each statement
             execute function edge_cache.announce(%L, %L, %L)',
          one.trigger_name, one.event, on_table, one.transition_tables,
          one.schema_name, one.name, coalesce(one.key_column, '')
        );
      end loop;
    exception when others then
      raise warning '% is not watched: %', on_table, sqlerrm;
    end;
  end loop;
end
$$;

do $$ begin perform edge_cache.watch(); end $$;
