-- Who calls from outside must know REVALIDATE_SECRET. Digests are compared, so that the time it takes
-- tells nothing of the secret. Raises 28000 if there is none in Vault, 28P01 if it is another.
create or replace function edge_cache.require_secret(given text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  expected constant text := edge_cache.vault_entry('edge_cache_secret');
begin
  if expected is null then
    raise invalid_authorization_specification using
      message = 'edge_cache_secret is not in Vault',
      hint = 'Add it with vault.create_secret: the value is that of REVALIDATE_SECRET.';
  end if;
  if sha256(convert_to(given, 'UTF8')) is distinct from sha256(convert_to(expected, 'UTF8')) then
    raise invalid_password using
      message = 'The secret is not edge_cache_secret in Vault',
      hint = 'Set REVALIDATE_SECRET of the Worker and edge_cache_secret to the same value.';
  end if;
end
$$;
