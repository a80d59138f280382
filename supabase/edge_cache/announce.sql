-- The trigger functions. Each watched table has four, one for each kind of statement, whose SQL names
-- the table's key column. That is several times faster than one function that builds its SQL as a text.
--
-- A writer waits no longer than half a second for the outbox, and if something fails, its statement still
-- succeeds. There is one exception: a statement that makes its own transaction read-only fails, because
-- nothing can be written down then.
--
-- The functions run with the rights of the role that ran this script, because a writer may not write the
-- outbox. They run no code of the writer's: the search path is Postgres's own schema, and a key becomes
-- JSON only if its type is (still) one of those in is_told.

-- Does what the first change of a transaction has to do. Later ones hold the outbox's lock already.
create or replace function edge_cache.begin_changes()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  -- Without this limit, the wait could exceed the statement's own timeout, and the statement would fail.
  set lock_timeout = '500ms'
as $$
begin
  lock table edge_cache.outbox in row exclusive mode;
  return edge_cache.poke();
end
$$;

-- Announces a change that could not be announced as usual: any row may have changed. It raises no error.
create or replace function edge_cache.announce_otherwise(schema_of_it text, name_of_it text, state text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  request_made bigint;
begin
  if left(state, 2) in ('22', '42') then -- the key column is gone, for example
    begin
      request_made := edge_cache.begin_changes();
      insert into edge_cache.outbox (schema_name, table_name, request)
        values (schema_of_it, name_of_it, request_made);
      return;
    exception when others then
      null; -- so it is a gap, as below
    end;
  end if;
  raise warning 'The edge cache cannot write down this change (SQLSTATE %): '
    'select * from edge_cache.check() may say why.', state;
  perform edge_cache.note_gap();
  perform edge_cache.poke();
end
$$;

create or replace function edge_cache.refuse_read_only()
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise read_only_sql_transaction using
    message = 'This statement changes a table that the edge cache watches. But it has made its '
      'transaction read-only, so the edge cache cannot write the change down.',
    hint = 'Set transaction_read_only in another transaction.';
end
$$;

-- The SQL that collects the keys that a statement touched, old and new, and writes them down. They are
-- null if there are more than 100, if one is null, if one is longer than the Worker serves, or if they
-- have more than 32 kB in all. It reads only as many rows as it needs to decide this.
create or replace function edge_cache.writing(
  event text, schema_of_it text, name_of_it text, key_column text, key_type oid
)
  returns text
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  is_named constant boolean := event <> 'truncate' and coalesce(edge_cache.is_told(key_type), false);
  -- to_json spells a value as the API does. We compare the text, because as JSON 1.0 and 1.00 are equal.
  key constant text := case when is_named
    then format('case when pg_typeof(%1$I) = %2$L::regtype then to_json(%1$I)::text end', key_column,
      key_type::regtype)
    else 'null::text'
  end;
  some_of constant text := '(select ' || replace(key, '%', '%%') || ' as key from %s limit 101)';
begin
  return format(
    'insert into edge_cache.outbox (schema_name, table_name, key_column, keys, request)
      select %L, %L, %L, %s, request_made from %s having count(*) > 0 returning id into number;',
    schema_of_it, name_of_it, key_column,
    case when is_named
      then format(
        'case
          when count(*) <= %s and count(key) = count(*) and max(length(key)) <= 2000 %s
            and octet_length(string_agg(distinct key, '', '')) <= 32000
          then (''['' || string_agg(distinct key, '', '') || '']'')::json
        end',
        case event when 'update' then 200 else 100 end,
        case event when 'update' then 'and count(distinct key) <= 100' end
      )
      else 'null'
    end,
    case event
      when 'insert' then format(some_of, 'new_rows') || ' as touched'
      when 'delete' then format(some_of, 'old_rows') || ' as touched'
      when 'update' then
        format('(' || some_of || ' union all ' || some_of || ') as touched', 'old_rows', 'new_rows')
      else '(values (null)) as touched'
    end
  );
end
$$;

-- The body of a trigger function.
create or replace function edge_cache.announcer(
  event text, schema_of_it text, name_of_it text, key_column text, key_type oid
)
  returns text
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  has_rows constant text := case event
    when 'truncate' then 'true'
    when 'delete' then 'exists (select from old_rows)'
    else 'exists (select from new_rows)'
  end;
begin
  return format(
    $body$
declare
  request_made bigint;
  number bigint;
begin
  if current_setting('edge_cache.poked', true)
    is distinct from coalesce(pg_current_xact_id_if_assigned()::text, '-')
  then
    if not %1$s then
      return null;
    end if;
    request_made := edge_cache.begin_changes();
  end if;
  %2$s
  -- If the Worker never asks for changes, nobody else removes old rows.
  if number %% 100 = 0 then
    perform edge_cache.prune(1000);
  end if;
  return null;
exception
when read_only_sql_transaction then
  if %1$s then
    perform edge_cache.refuse_read_only();
  end if;
  return null;
when others then
  begin
    perform edge_cache.announce_otherwise(%3$L, %4$L, sqlstate);
  exception when others then
    raise warning 'The edge cache does not learn of this change (SQLSTATE %%).', sqlstate;
  end;
  return null;
end
    $body$,
    has_rows, edge_cache.writing(event, schema_of_it, name_of_it, key_column, key_type), schema_of_it,
    name_of_it
  );
end
$$;
