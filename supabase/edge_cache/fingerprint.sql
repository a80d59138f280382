-- Everything about these relations, functions and types that can change what a reader gets, as a text.
-- Names stand for objects, because another database may give them other oids.
--
-- If a body is a text, nobody knows what it calls. So each function of the project's own counts, too, and so
-- do its types and casts. But functions of triggers run only for writers.
create or replace function edge_cache.details_of(relations oid[], functions oid[], types oid[])
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    with of_others as materialized (
      select classid, objid from pg_depend where refclassid = 'pg_extension'::regclass and deptype = 'e'
    ),
    own_schemas as materialized (
      select oid from pg_namespace where nspname !~ '^(pg_|information_schema$|edge_cache$)'
    ),
    own_functions as materialized (
      select *
      from pg_proc
      where oid = any (functions)
        or proacl is not null and oid < 16384
        or pronamespace in (select oid from own_schemas)
          and prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
          and (
            proacl is not null
            or ('pg_proc'::regclass, oid) not in (select classid, objid from of_others)
          )
    ),
    own_types as materialized (
      select *
      from pg_type
      where oid = any (types)
        or typnamespace in (select oid from own_schemas)
          and (typtype in ('d', 'e') or exists (
            select from pg_class where pg_class.oid = typrelid and relkind = 'c'
          ))
          and ('pg_type'::regclass, oid) not in (select classid, objid from of_others)
    ),
    schemas as (
      select relnamespace as oid from pg_class where oid = any (relations)
      union
      select pronamespace from own_functions
    ),
    with_columns as (
      select unnest(relations) as oid
      union
      select typrelid from own_types
      union
      select typrelid from own_functions join pg_type on pg_type.oid = prorettype
    ),
    roles as (
      select oid, rolname from pg_roles where rolname in ('anon', 'authenticated', 'authenticator')
    ),
    readers as (
      select oid, rolname from roles union select role, name from edge_cache.reading_roles
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
      where pg_class.oid in (select oid from with_columns)
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
      select concat_ws(' ', 'function', pronamespace::regnamespace, proname, prokind,
        oidvectortypes(proargtypes), proallargtypes::regtype[], proargmodes::text, proargnames::text,
        prorettype::regtype, proretset, provolatile, proisstrict, prosecdef, prolang, probin,
        pg_get_userbyid(proowner), proacl::text, proconfig::text,
        -- (On PGlite, sha256 takes ten times longer.)
        hashtextextended(concat_ws(' ', prosrc, prosqlbody::text, proargdefaults::text) collate "C", 0))
      from own_functions
      union all
      select concat_ws(' ', 'aggregate', aggfnoid::regprocedure,
        array[
          aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn,
          aggmfinalfn
        ]::regprocedure[],
        aggsortop::regoperator, aggtranstype::regtype, aggmtranstype::regtype, agginitval, aggminitval)
      from pg_aggregate
      where aggfnoid in (select oid from own_functions)
      union all
      select concat_ws(' ', 'cast', castsource::regtype, casttarget::regtype, castfunc::regprocedure,
        castcontext, castmethod)
      from pg_cast
      where oid >= 16384
      union all
      select concat_ws(' ', 'type', typnamespace::regnamespace, typname, typtype, typnotnull,
        (select string_agg(enumlabel, ' ' order by enumsortorder) from pg_enum where enumtypid = own_types.oid),
        (
          select string_agg(conbin::text, ' ' order by conname) from pg_constraint where contypid = own_types.oid
        ))
      from own_types
      union all
      select concat_ws(' ', 'role', rolname, rolsuper, rolbypassrls)
      from pg_roles
      where oid in (select oid from readers)
      union all
      -- A superuser has all rights anyway, and those of each new role.
      select concat_ws(' ', 'member', readers.rolname, pg_roles.rolname)
      from readers
      join pg_roles on pg_has_role(readers.oid, pg_roles.oid, 'usage')
      where not (select rolsuper from pg_roles as own where own.oid = readers.oid)
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
