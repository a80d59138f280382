-- With this function the Worker reads a table of any length in one request, as it was at one moment.
--
-- Without it, the Worker reads a table in pages if it has more rows than the project's "Max rows" (1,000
-- by default). Each page shows the table at another moment. docs/how-it-works.md explains the risk.
--
-- * It must be in the first schema that the API exposes (Dashboard → Project Settings → Data API). That
--   is `public` unless you changed it.
-- * It reads tables only in the schemas that are named in it: those of the declared tables.
-- * It shows nobody more than the API does. It runs with the caller's rights, so grants and row level
--   security decide. "Max rows" does not limit it, but the role's statement timeout does.
create or replace function public.edge_cache_snapshot(
  schema_name text, table_name text, key_column text
)
  returns json
  language plpgsql
  stable
  security invoker
  set search_path = ''
as $$
declare
  exposed constant text[] := array['public'];
  found_rows json;
begin
  if schema_name is null or schema_name <> all (exposed) then
    -- Every role may read the system catalogues, but nobody should through the API.
    raise insufficient_privilege using message = 'edge_cache_snapshot does not read this schema';
  end if;
  -- A policy may call functions that need the search path with which the API reads tables.
  perform set_config('search_path', format('%I, public, extensions', schema_name), true);
  execute format(
    'select coalesce(json_agg(found.* order by found.%I), ''[]'') from %I.%I as found',
    key_column, schema_name, table_name
  ) into found_rows;
  return found_rows;
end;
$$;

revoke all on function public.edge_cache_snapshot(text, text, text) from public;
grant execute on function public.edge_cache_snapshot(text, text, text) to anon, authenticated;
