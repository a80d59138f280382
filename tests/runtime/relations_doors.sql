-- For tests of dependencies: every row of some schemas, and where it lies, so that the rows show what
-- a statement changed. Even an update to the same values can change the order of an answer.
create function public.everything(schemas text[]) returns json language plpgsql security definer as $$
declare
  one record;
  rows json;
  found jsonb := '{}';
begin
  for one in
    select schemaname, tablename from pg_catalog.pg_tables where schemaname = any (schemas)
  loop
    execute format(
      'select json_agg(json_build_array(ctid, to_json(t))) from %I.%I t', one.schemaname, one.tablename
    ) into rows;
    found := found || jsonb_build_object(one.schemaname || '.' || one.tablename, coalesce(rows, '[]'));
  end loop;
  return found;
end
$$;
revoke all on function public.everything(text[]) from public;
grant execute on function public.everything(text[]) to service_role;
