-- The trigger function. It writes down what a statement changed, and asks pg_net to send it. The
-- trigger's arguments are the declared table's schema, its name, and its key column or ''.
-- If something fails here, the statement still succeeds. There is one exception: a statement that makes
-- its own transaction read-only fails, because nothing can be written down then.
create or replace function edge_cache.announce()
  returns trigger
  language plpgsql
  security definer -- because a role that may write the table may not write the outbox
  set search_path = pg_catalog, pg_temp
  -- A writer waits no longer than this for the outbox, and then goes on without it. Without this
  -- limit, the wait could exceed the statement's own timeout, and the statement would fail.
  set lock_timeout = '500ms'
as $$
declare
  touched int;
  touched_keys jsonb;
  number bigint;
  change jsonb := jsonb_build_object(
    'type', tg_op, 'schema', tg_argv[0], 'table', tg_argv[1], 'key', nullif(tg_argv[2], ''),
    'id', null, 'keys', null
  );
begin
  if tg_op <> 'TRUNCATE' then
    execute edge_cache.touched_query(tg_op, coalesce((
      select quote_ident(attname) from pg_attribute
      where attrelid = tg_relid and attname = tg_argv[2] and edge_cache.is_told(atttypid)
    ), 'null::text')) into touched, touched_keys;
  end if;
  change := change || jsonb_build_object('keys', touched_keys);
  if touched = 0 or (
    touched_keys is null
    -- Under other isolation levels, reading the outbox can make a transaction fail.
    and current_setting('transaction_isolation') = 'read committed'
    and edge_cache.is_told_as_a_whole(tg_argv[0], tg_argv[1])
  ) then
    return null;
  end if;
  number := edge_cache.new_number();
  insert into edge_cache.outbox (id, schema_name, table_name, key_column, keys, request) values (
    number, tg_argv[0], tg_argv[1], change ->> 'key', touched_keys,
    edge_cache.send(change || jsonb_build_object('id', number))
  );
  -- If the Worker never asks for changes, nobody else removes old rows. One change of a hundred does so
  -- (numbers are random). More often would be slow: while an old snapshot is open, Postgres still
  -- reads through the removed rows.
  if number % 100 = 0 then
    perform edge_cache.prune(1000);
  end if;
  return null;
exception
when read_only_sql_transaction then
  raise read_only_sql_transaction using
    message = 'This statement changes a table that the edge cache watches. But it has made its '
      'transaction read-only, so the edge cache cannot write the change down.',
    hint = 'Set transaction_read_only in another transaction.';
when others then
  raise warning 'The edge cache cannot write down this change (SQLSTATE %): '
    'select * from edge_cache.check() may say why.', sqlstate;
  begin
    perform edge_cache.note_gap();
    perform edge_cache.send(change);
  exception when others then
    raise warning 'The edge cache does not learn of this change (SQLSTATE %).', sqlstate;
  end;
  return null;
end
$$;

-- So nobody can call it from a trigger of their own.
revoke all on function edge_cache.announce() from public;
