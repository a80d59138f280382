-- Gives exactly the declared tables and their partitions the triggers. Those that are there are left
-- alone: to replace one waits for all writers of its table, and has others wait behind. A table for
-- which it fails, as somebody else owns it, does not keep the others from theirs: edge_cache.check()
-- tells of it.
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
