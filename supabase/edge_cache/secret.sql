-- A caller from outside must know REVALIDATE_SECRET. It compares digests, so the time that this takes
-- says nothing about the secret. It raises 28000 if there is no secret in Vault, and 28P01 if the given
-- one is different.
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
      hint = 'Add it with vault.create_secret. Its value is the Worker''s REVALIDATE_SECRET.';
  end if;
  if sha256(convert_to(given, 'UTF8')) is distinct from sha256(convert_to(expected, 'UTF8')) then
    raise invalid_password using
      message = 'The secret is not edge_cache_secret in Vault',
      hint = 'Set the Worker''s REVALIDATE_SECRET and edge_cache_secret to the same value.';
  end if;
end
$$;
