-- The functions and relations of which nobody can tell what they read, or when that changes.
create or replace function edge_cache.unknown_of(functions oid[], relations oid[])
  returns table (kind oid, node oid)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Postgres's own functions that run a query given as a text, or read what they are given the name of.
  -- pg_depend does not tell who calls them, so we look for their oids in the stored trees.
  reads_by_name constant text := (
    select ':(?:funcid|opfuncid) (?:' || string_agg(oid::text, '|') || ')\M'
    from pg_proc
    where pronamespace = 'pg_catalog'::regnamespace and (
      proname ~ '^(query|table|schema|database|cursor)_to_xml'
      or proname in ('ts_stat', 'lo_get', 'loread', 'nextval', 'currval', 'lastval')
      or proname = 'ts_rewrite' and proargtypes[1] = 'text'::regtype
    )
  );
begin
  return query
    select 'pg_proc'::regclass::oid, pg_proc.oid
    from unnest(functions) as asked
    join edge_cache.reading_functions on function = asked
    join pg_proc on pg_proc.oid = function
    where prosqlbody is null
      and declared_reads is null
      and provolatile <> 'i'
      -- These read the request's token, and no table.
      and not (
        pronamespace = to_regnamespace('auth') and proname in ('uid', 'role', 'jwt', 'email')
      )
      -- Nor do these extensions read tables.
      and not exists (
        select
        from pg_depend
        join pg_extension on pg_extension.oid = refobjid
        where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e'
          and extname in (
            'btree_gin', 'btree_gist', 'citext', 'fuzzystrmatch', 'hstore', 'intarray', 'ltree',
            'pg_trgm', 'pgcrypto', 'unaccent', 'uuid-ossp', 'vector'
          )
      )
    union all
    select 'pg_proc'::regclass, function -- declared to read what does not exist
    from unnest(functions) as asked
    join edge_cache.reading_functions on function = asked
    cross join jsonb_array_elements(declared_reads) as declared
    where to_regclass(format('%I.%I', declared ->> 0, declared ->> 1)) is null
    union all
    select 'pg_proc'::regclass, pg_proc.oid
    from unnest(functions) as asked
    join pg_proc on pg_proc.oid = asked
    where concat(prosqlbody::text, proargdefaults::text) ~ reads_by_name
    union all
    select 'pg_class'::regclass, pg_class.oid -- a sequence fires no trigger
    from unnest(relations) as asked
    join pg_class on pg_class.oid = asked and relkind = 'S'
    union all
    select 'pg_class'::regclass, ev_class
    from unnest(relations) as asked
    join pg_rewrite on ev_class = asked
    join pg_class on pg_class.oid = ev_class and relkind = 'v'
    where ev_action::text ~ reads_by_name
    union all
    select 'pg_class'::regclass, relation
    from unnest(relations) as asked
    join edge_cache.policies_met on relation = asked
    where tree ~ reads_by_name
    union all
    select 'pg_class'::regclass, relation
    from unnest(relations) as relation
    join edge_cache.converted_rows using (relation)
    union all
    select 'pg_proc'::regclass, function
    from unnest(functions) as function
    join edge_cache.returned_rows using (function)
    join edge_cache.converted_rows using (relation);
end
$$;
