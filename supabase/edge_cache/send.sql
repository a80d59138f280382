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
  return net.http_post(
    url := address,
    headers := jsonb_build_object(
      'content-type', 'application/json', 'authorization', 'Bearer ' || secret
    ),
    body := change,
    timeout_milliseconds := 5000
  );
exception when others then
  raise warning 'The edge cache is told of this change late, as no request could be made '
    '(SQLSTATE %): select * from edge_cache.check() says what is missing.', sqlstate;
  return null;
end
$$;
