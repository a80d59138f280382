-- Removes everything that the script of `npm run sql` made, but for pg_net, which others may use.
-- With the schema go its functions, and with them the triggers.
drop schema if exists edge_cache cascade;
drop function if exists public.edge_cache_changes(text, text);
drop function if exists public.edge_cache_check(text);
drop function if exists public.edge_cache_snapshot(text, text, text);

do $$
begin
  if to_regclass('vault.secrets') is not null then
    delete from vault.secrets where name in ('edge_cache_url', 'edge_cache_secret');
  end if;
exception when insufficient_privilege then
  raise warning 'edge_cache_url and edge_cache_secret are still in Vault: delete them there.';
end
$$;
