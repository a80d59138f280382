-- The query for how many rows a statement touched, and for their keys, old and new: null if there are
-- more than 100, or one is no number or text, or longer than what the Worker serves. It looks at no more
-- rows than that takes.
create or replace function edge_cache.touched_query(operation text, key text)
  returns text
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- to_jsonb spells a value as the API does.
  some_of constant text := format('(select to_jsonb(%s) as key from %%s limit 101)', key);
  touched constant text := case operation
    when 'INSERT' then format(some_of, 'new_rows')
    when 'DELETE' then format(some_of, 'old_rows')
    else format(some_of || ' union all ' || some_of, 'old_rows', 'new_rows')
  end;
begin
  return format(
    'select count(*), case
        when count(*) <= %s and count(distinct key) <= 100
          and bool_and(coalesce(jsonb_typeof(key) in (''number'', ''string''), false))
          and max(length(key::text)) <= 2000
        then jsonb_agg(distinct key)
      end
      from (%s) as touched',
    case operation when 'UPDATE' then 200 else 100 end, touched
  );
end
$$;

-- Writes down what a statement changed, and has it sent. Arguments of the trigger: schema and name of
-- the declared table, and its key column or ''. Whatever fails here, the statement does not.
create or replace function edge_cache.announce()
  returns trigger
  language plpgsql
  security definer -- who may write the table may not write the outbox
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Under other isolation levels, what is read or removed in the outbox can fail a transaction: it is
  -- left to others.
  may_look constant boolean := current_setting('transaction_isolation') = 'read committed';
  touched int;
  touched_keys jsonb;
  number bigint;
begin
  if tg_op <> 'TRUNCATE' then
    execute edge_cache.touched_query(tg_op, coalesce((
      select quote_ident(attname) from pg_attribute
      where attrelid = tg_relid and attname = tg_argv[2]
    ), 'null::text')) into touched, touched_keys;
  end if;
  if touched = 0 or (
    touched_keys is null and may_look and edge_cache.is_told_as_a_whole(tg_argv[0], tg_argv[1])
  ) then
    return null;
  end if;
  number := nextval('edge_cache.outbox_id_seq');
  insert into edge_cache.outbox (id, schema_name, table_name, keys, request) values (
    number, tg_argv[0], tg_argv[1], touched_keys,
    edge_cache.send(jsonb_build_object(
      'type', tg_op, 'schema', tg_argv[0], 'table', tg_argv[1], 'id', number, 'keys', touched_keys
    ))
  );
  if may_look then
    perform edge_cache.prune();
  end if;
  return null;
exception when others then
  raise warning 'The edge cache is not told of this change (SQLSTATE %): '
    'select * from edge_cache.check() may say why.', sqlstate;
  return null;
end
$$;

-- Nobody may fire it by a trigger of their own.
revoke all on function edge_cache.announce() from public;
