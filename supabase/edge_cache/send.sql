-- The Worker's address and its secret are read from Vault when a change is told, so they are in no
-- definition, and can be replaced with vault.update_secret alone.
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
  -- An empty secret is none: everybody could name it.
  return (select nullif(decrypted_secret, '') from vault.decrypted_secrets where name = entry);
end
$$;

-- HMAC-SHA-256 (RFC 2104). pgcrypto has it too, but need not be enabled.
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
  -- bit_send puts four bytes with the length before the bits.
  return sha256(
    substr(bit_send(block # ('x' || repeat('5c', 64))::bit(512)), 5) || sha256(
      substr(bit_send(block # ('x' || repeat('36', 64))::bit(512)), 5) || message
    )
  );
end
$$;

-- The headers of a signed request, as the Standard Webhooks specification has them. Every role may read
-- and rewrite what waits in pg_net's queue, so the secret is not in it.
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

-- The triggers on pg_net's queue that are not pg_net's own. Every role may put one there, and its function
-- would run within the transaction that changes a row, with the rights of whoever ran this script.
create or replace view edge_cache.triggers_on_queue as
  select tgname as name, tgfoid as function
  from pg_trigger
  join pg_proc on pg_proc.oid = tgfoid
  where tgrelid = to_regclass('net.http_request_queue')
    and not tgisinternal
    and pronamespace <> to_regnamespace('net');

-- Has pg_net send a change once the transaction has committed, and returns the request's number. What
-- fails is only warned of: the Worker looks into the outbox later.
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
    raise warning 'The edge cache is told of this change late, as edge_cache_url or '
      'edge_cache_secret is not in Vault: add them with vault.create_secret.';
    return null;
  end if;
  -- From now on nobody can add a trigger. The writer does not wait for whoever locks the queue.
  lock table net.http_request_queue in row exclusive mode nowait;
  if exists (select from edge_cache.triggers_on_queue) then
    raise warning 'The edge cache is told of this change late, as a trigger on the queue of pg_net could do '
      'anything: select * from edge_cache.check() says which, and what to do about it.';
    return null;
  end if;
  return net.http_post(
    url := address,
    headers := edge_cache.signed(secret, change),
    body := change,
    timeout_milliseconds := 5000
  );
exception when others then
  raise warning 'The edge cache is told of this change late, as no request could be made '
    '(SQLSTATE %): select * from edge_cache.check() says what is missing.', sqlstate;
  return null;
end
$$;
