-- The Database Webhook of a real project: tells the Worker which row of public.articles changed.
--
-- 1. Keep the Worker's address and its REVALIDATE_SECRET in Vault (once, in the SQL editor):
--      select vault.create_secret('https://supabase-edge-cache.YOUR-NAME.workers.dev/revalidate',
--                                 'edge_cache_url');
--      select vault.create_secret('THE VALUE OF REVALIDATE_SECRET', 'edge_cache_secret');
-- 2. Run this file there.
--
-- The secret is read when a row changes, so it is neither in the trigger's definition nor in this
-- file, and can be replaced with vault.update_secret alone. Supabase Lite has neither Vault nor
-- pg_net, which is why this is no part of supabase/schemas.
create extension if not exists pg_net;

create schema if not exists edge_cache;
revoke all on schema edge_cache from public;

create or replace function edge_cache.notify()
  returns trigger
  language plpgsql
  security definer
  set search_path = ''
as $$
declare
  url text;
  secret text;
begin
  select decrypted_secret into url from vault.decrypted_secrets where name = 'edge_cache_url';
  select decrypted_secret into secret from vault.decrypted_secrets where name = 'edge_cache_secret';
  if url is null or secret is null then
    raise warning 'edge_cache_url or edge_cache_secret is not in Vault; readers are not refreshed';
    return null;
  end if;
  -- Only what the Worker needs leaves the database: the key of the row, not the row.
  perform net.http_post(
    url := url,
    headers := jsonb_build_object(
      'content-type', 'application/json',
      'authorization', 'Bearer ' || secret
    ),
    body := jsonb_build_object(
      'type', tg_op,
      'table', tg_table_name,
      'schema', tg_table_schema,
      'record', case when tg_op <> 'DELETE' then jsonb_build_object('id', new.id) end,
      'old_record', case when tg_op <> 'INSERT' then jsonb_build_object('id', old.id) end
    ),
    timeout_milliseconds := 5000
  );
  return null;
end;
$$;

revoke all on function edge_cache.notify() from public;

drop trigger if exists edge_cache_notify on public.articles;
create trigger edge_cache_notify
  after insert or update or delete on public.articles
  for each row execute function edge_cache.notify();
