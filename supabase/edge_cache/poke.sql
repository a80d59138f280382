-- Reads the Worker's address or its secret from Vault, each time it is needed. So neither is in a
-- function's definition, and vault.update_secret is enough to replace one.
create or replace function edge_cache.vault_entry(entry text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('vault.decrypted_secrets') is null then
    return null;
  end if;
  -- An empty secret counts as missing, because everybody could guess it.
  return (select nullif(decrypted_secret, '') from vault.decrypted_secrets where name = entry);
end
$$;

-- The triggers on pg_net's queue that are not pg_net's own. Every role may put one there. Its function
-- would run in the transaction that changes a row, with the rights of the role that ran this script.
-- (To replace a view, this script would wait for writers that have just used it.)
create or replace function edge_cache.triggers_on_queue()
  returns table (name name, function oid)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- In PL/pgSQL the plan is kept: this costs a quarter of what it does in SQL.
  return query
    select tgname, tgfoid
    from pg_trigger
    join pg_proc on pg_proc.oid = tgfoid
    where tgrelid = to_regclass('net.http_request_queue')
      and not tgisinternal
      and pronamespace <> to_regnamespace('net');
end
$$;

-- Asks pg_net to poke the Worker after the transaction has committed, and returns the request's number.
-- The Worker then reads the outbox. So the request says nothing, and needs no secret: every role of the
-- database can read and change what waits in pg_net's queue.
--
-- One poke for a transaction is enough. A setting remembers it until the transaction ends. If a savepoint
-- takes the poke back, it takes the setting back too. If a poke fails, this only warns, because the Worker
-- asks the outbox every minute anyway.
create or replace function edge_cache.poke()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  transaction constant text := pg_current_xact_id();
  address text;
begin
  if current_setting('edge_cache.poked', true) = transaction then
    return null;
  end if;
  perform set_config('edge_cache.poked', transaction, true);
  begin
    address := edge_cache.vault_entry('edge_cache_url');
    if address is null then
      raise warning 'The edge cache learns of this change late, because edge_cache_url is not in Vault. '
        'Add it with vault.create_secret.';
      return null;
    end if;
    -- From now on nobody can add a trigger. If somebody else locks the queue, this fails at once, so that
    -- the writer does not wait.
    lock table net.http_request_queue in row exclusive mode nowait;
    if exists (select from edge_cache.triggers_on_queue()) then
      raise warning 'The edge cache learns of this change late, because a trigger on the queue of pg_net '
        'could do anything. select * from edge_cache.check() says which one, and what to do about it.';
      return null;
    end if;
    return net.http_post(
      url := address,
      headers := '{"content-type": "application/json"}',
      body := '{}',
      timeout_milliseconds := 5000
    );
  exception when others then
    raise warning 'The edge cache learns of this change late, because no request could be made '
      '(SQLSTATE %). select * from edge_cache.check() says what is missing.', sqlstate;
    return null;
  end;
end
$$;
