-- Everything about these relations, functions and types that can change what a reader gets, as a text.
-- Names stand for objects, because another database may give them other oids.
create or replace function edge_cache.details_of(relations oid[], functions oid[], types oid[])
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    with schemas as (
      select relnamespace as oid from pg_class where oid = any (relations)
      union
      select pronamespace from pg_proc where oid = any (functions)
    ),
    roles as (
      select oid, rolname from pg_roles where rolname in ('anon', 'authenticated', 'authenticator')
    ),
    lines (line) as (
      select concat_ws(' ', 'schema', nspname, nspacl::text)
      from schemas
      join pg_namespace using (oid)
      union all
      select concat_ws(' ', 'relation', relnamespace::regnamespace, relname, relkind, relrowsecurity,
        relforcerowsecurity, relispopulated, pg_get_userbyid(relowner), relacl::text,
        reloptions::text)
      from pg_class
      where oid = any (relations)
      union all
      select concat_ws(' ', 'column', relnamespace::regnamespace, relname, attnum, attname,
        format_type(atttypid, atttypmod), attnotnull, attgenerated, attcollation::regcollation,
        attacl::text)
      from pg_class
      join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
      where pg_class.oid = any (relations)
      union all
      select concat_ws(' ', 'rule', relnamespace::regnamespace, relname, ev_action::text)
      from pg_class
      join pg_rewrite on ev_class = pg_class.oid
      where pg_class.oid = any (relations) and relkind in ('v', 'm')
      union all
      select concat_ws(' ', 'policy', relnamespace::regnamespace, relname, polname, polpermissive,
        polcmd, (select array_agg(pg_get_userbyid(role)) from unnest(polroles) as role)::text,
        polqual::text)
      from pg_class
      join pg_policy on polrelid = pg_class.oid
      where pg_class.oid = any (relations) and polcmd in ('r', '*')
      union all
      select concat_ws(' ', 'function', pronamespace::regnamespace, proname,
        pg_get_function_arguments(oid), format_type(prorettype, null), proretset, provolatile,
        proisstrict, prosecdef, proparallel, pg_get_userbyid(proowner), proacl::text,
        proconfig::text, prosrc, prosqlbody::text)
      from pg_proc
      where oid = any (functions)
      union all
      select concat_ws(' ', 'type', typnamespace::regnamespace, typname, typtype, typnotnull,
        (select string_agg(enumlabel, ' ' order by enumsortorder) from pg_enum where enumtypid = pg_type.oid),
        (select string_agg(conbin::text, ' ' order by conname) from pg_constraint where contypid = pg_type.oid))
      from pg_type
      where oid = any (types)
      union all
      select concat_ws(' ', 'role', rolname, rolsuper, rolbypassrls) from pg_roles
      where oid in (select oid from roles)
      union all
      select concat_ws(' ', 'member', roles.rolname, pg_roles.rolname)
      from roles
      join pg_roles on pg_has_role(roles.oid, pg_roles.oid, 'usage')
      union all
      select concat_ws(' ', 'setting', rolname, setconfig::text)
      from pg_db_role_setting
      left join roles on roles.oid = setrole
      where (setrole = 0 or roles.oid is not null)
        and setdatabase in (0, (select oid from pg_database where datname = current_database()))
    )
    select string_agg(line, e'\n' order by line collate "C") from lines
  );
end
$$;
