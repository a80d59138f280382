-- Writes down what a statement changed, and has it sent. Arguments of the trigger: schema and name of
-- the declared table, and its key column or ''. Whatever fails here, the statement does not. The one
-- exception is a statement that makes its own transaction read-only: nothing can be written down then.
create or replace function edge_cache.announce()
  returns trigger
  language plpgsql
  security definer -- who may write the table may not write the outbox
  set search_path = pg_catalog, pg_temp
  -- Who waits for the outbox longer than this goes on without it. Beyond the statement's own timeout
  -- the statement would fail.
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
    -- Under other isolation levels, what is read in the outbox can fail a transaction.
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
  -- For outboxes that nobody asks, and not each time: as long as an old snapshot is open, all that was
  -- removed is still gone through. Numbers are random.
  if number % 100 = 0 then
    perform edge_cache.prune(1000);
  end if;
  return null;
exception
when read_only_sql_transaction then
  raise read_only_sql_transaction using
    message = 'This statement changes a table that the edge cache watches, and has made its '
      'transaction read-only, so that the change cannot be written down.',
    hint = 'Set transaction_read_only in another transaction.';
when others then
  raise warning 'The edge cache cannot write down this change (SQLSTATE %): '
    'select * from edge_cache.check() may say why.', sqlstate;
  begin
    perform edge_cache.note_gap();
    perform edge_cache.send(change);
  exception when others then
    raise warning 'The edge cache is not told of this change (SQLSTATE %).', sqlstate;
  end;
  return null;
end
$$;

-- Nobody may fire it by a trigger of their own.
revoke all on function edge_cache.announce() from public;
