-- Removes everything that the script of `npm run sql` created. It keeps pg_net, because others may use it.
-- Dropping the schema drops its functions, and dropping those drops the triggers.
drop schema if exists edge_cache cascade;
drop function if exists public.edge_cache_catalogue(text, text);
drop function if exists public.edge_cache_changes(text, text);
drop function if exists public.edge_cache_check(text);
drop function if exists public.edge_cache_snapshot(text, text, text);

do $$
begin
  if to_regclass('vault.secrets') is not null then
    delete from vault.secrets where name in ('edge_cache_url', 'edge_cache_secret');
  end if;
exception when insufficient_privilege then
  raise warning 'edge_cache_url and edge_cache_secret are still in Vault. Delete them there.';
end
$$;
