-- A change of the schema, of a policy or of a grant is a change like others, told by event triggers. Some
-- roles may not create them. Then the Worker finds such a change by the catalogue's fingerprint, within a
-- minute.

-- Writes it down, once in a transaction. Besides, it announces the tables that ALTER TABLE may have
-- rewritten, taken apart, or changed while their triggers were disabled. Its errors are only warnings:
-- it must not fail anybody's DDL.
create or replace function edge_cache.note_ddl()
  returns event_trigger
  language plpgsql
  security definer -- because other roles may not write the outbox
  set search_path = pg_catalog, pg_temp
as $$
declare
  transaction text;
  commands int;
  relations oid[];
  request_made bigint;
begin
  -- These change nothing that a reader gets. (This also ends what its own CREATE TRIGGER begins.)
  if tg_tag in (
    'COMMENT', 'SECURITY LABEL', 'CREATE TRIGGER', 'DROP TRIGGER', 'REINDEX', 'CREATE SEQUENCE',
    'CREATE STATISTICS', 'CREATE PUBLICATION', 'ALTER PUBLICATION', 'DROP PUBLICATION'
  ) then
    return;
  elsif tg_event = 'sql_drop' then
    if not exists (
      select from pg_event_trigger_dropped_objects() where original and not is_temporary
    ) then
      return;
    end if;
  else
    select count(*), array_agg(objid) filter (where classid = 'pg_class'::regclass)
    into commands, relations
    from pg_event_trigger_ddl_commands()
    where schema_name is distinct from 'pg_temp';
    if commands = 0 and tg_tag not in ('DROP OWNED', 'REASSIGN OWNED') then
      return;
    end if;
  end if;
  transaction := pg_current_xact_id();
  if current_setting('edge_cache.noted', true) is distinct from transaction then
    request_made := edge_cache.begin_changes(); -- before a statement that waits for the outbox itself
    insert into edge_cache.outbox (request) values (request_made);
    perform set_config('edge_cache.noted', transaction, true);
  end if;
  if tg_tag in ('ALTER TABLE', 'REFRESH MATERIALIZED VIEW') then
    insert into edge_cache.outbox (schema_name, table_name)
      select schema_name, name from edge_cache.watched_relations where relation = any (relations)
      union
      select nspname, relname
      from pg_class
      join pg_namespace on pg_namespace.oid = relnamespace
      where relkind = 'm' and pg_class.oid = any (relations);
  end if;
  -- A new part of a watched table, or a table that is there again, gets its triggers at once. This
  -- transaction has locked it anyway.
  if tg_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE') then
    perform edge_cache.create_triggers(coalesce(relations, '{}'));
  end if;
exception when others then
  raise warning 'The edge cache learns of this change of the schema late (SQLSTATE %).', sqlstate;
end
$$;

revoke all on function edge_cache.note_ddl() from public;

do $$
begin
  create event trigger edge_cache_ddl on ddl_command_end execute function edge_cache.note_ddl();
  create event trigger edge_cache_drop on sql_drop execute function edge_cache.note_ddl();
exception when insufficient_privilege then
  raise warning 'The role % may not create event triggers, so the Worker learns of a changed schema, policy '
    'or grant only within a minute.', current_user;
end
$$;
