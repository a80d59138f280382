-- Reads the Worker's address or its secret from Vault, each time a change is sent. So neither is in a
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

-- HMAC-SHA-256 (RFC 2104). pgcrypto has it too, but a project may not have enabled pgcrypto.
create or replace function edge_cache.hmac(key bytea, message bytea)
  returns bytea
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  block constant bit(512) := (
    'x' || encode(case when length(key) > 64 then sha256(key) else key end, 'hex')
  )::bit(512);
begin
  -- bit_send puts the length, four bytes, before the bits.
  return sha256(
    substr(bit_send(block # ('x' || repeat('5c', 64))::bit(512)), 5) || sha256(
      substr(bit_send(block # ('x' || repeat('36', 64))::bit(512)), 5) || message
    )
  );
end
$$;

-- The headers of a signed request, as the Standard Webhooks specification defines them. Every role may
-- read and change the requests in pg_net's queue, so the request has a signature instead of the secret.
create or replace function edge_cache.signed(secret text, body jsonb)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  id constant text := gen_random_uuid();
  seconds constant bigint := extract(epoch from clock_timestamp());
  message constant text := format('%s.%s.%s', id, seconds, body); -- pg_net sends body::text in UTF-8
begin
  return jsonb_build_object(
    'content-type', 'application/json',
    'webhook-id', id,
    'webhook-timestamp', seconds::text,
    'webhook-signature', 'v1,' || encode(
      edge_cache.hmac(convert_to(secret, 'UTF8'), convert_to(message, 'UTF8')), 'base64'
    )
  );
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

-- Asks pg_net to send a change after the transaction has committed, and returns the request's number. If
-- this fails, it only warns, because the Worker finds the change in the outbox later.
create or replace function edge_cache.send(change jsonb)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  address text;
  secret text;
begin
  address := edge_cache.vault_entry('edge_cache_url');
  secret := edge_cache.vault_entry('edge_cache_secret');
  if address is null or secret is null then
    raise warning 'The edge cache learns of this change late, because edge_cache_url or '
      'edge_cache_secret is not in Vault. Add them with vault.create_secret.';
    return null;
  end if;
  -- From now on nobody can add a trigger. If somebody else locks the queue, this fails at once, so that the
  -- writer does not wait.
  lock table net.http_request_queue in row exclusive mode nowait;
  if exists (select from edge_cache.triggers_on_queue()) then
    raise warning 'The edge cache learns of this change late, because a trigger on the queue of pg_net could '
      'do anything. select * from edge_cache.check() says which one, and what to do about it.';
    return null;
  end if;
  return net.http_post(
    url := address,
    headers := edge_cache.signed(secret, change),
    body := change,
    timeout_milliseconds := 5000
  );
exception when others then
  raise warning 'The edge cache learns of this change late, because no request could be made '
    '(SQLSTATE %). select * from edge_cache.check() says what is missing.', sqlstate;
  return null;
end
$$;
