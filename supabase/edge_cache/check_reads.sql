-- What the declared objects read whose changes the Worker does not learn of.
create view edge_cache.findings_of_reads as
  with told as (
    select declared_as, object, through, relation, function,
      case when through = '' then '' else ', through ' || through end as how
    from edge_cache.reads
  )
  select object, format('It reads %s%s, which is not watched.', relation, how) as finding,
    format('Declare %I with watch = true and its schema in [vars.TABLES], and run the script of '
      '"npm run --silent sql" again.', relname) as advice
  from told
  join pg_class on pg_class.oid = relation and relkind in ('r', 'p')
  where declared_as <> 'table' and relation not in (select watched.relation from edge_cache.watched)
  union -- so overloads that share a fault are listed once
  select object, format('Its rows depend on %s%s. A change there refreshes no entry of it.', relation, how),
    'Serve a view of it instead, with view = true, and declare both tables with watch = true. Or '
      'limit the age of its entries with MAX_AGE_SECONDS and QUERY_MAX_AGE_SECONDS.'
  from told
  join pg_class on pg_class.oid = relation and relkind in ('r', 'p', 'v')
  where declared_as = 'table' and through <> ''
    and relation <> to_regclass(object)
  union
  select object, format('It reads %s%s. That is a %s: its changes fire no trigger.', relation, how,
      case relkind when 'm' then 'materialised view' else 'foreign table' end),
    'Let it read local tables instead, or limit the age of its entries with QUERY_MAX_AGE_SECONDS.'
  from told
  join pg_class on pg_class.oid = relation and relkind in ('m', 'f')
  where through <> ''
  union
  select object,
    case
      when through = '' then 'The database does not know what this function reads.'
      else format('It calls %s%s. The database does not know what that reads.', function, how)
    end,
    'Write its body with BEGIN ATOMIC, or declare each table that it reads, at least with '
      'watch = true.'
  from told
  join pg_proc on pg_proc.oid = function
  where prosqlbody is null
    and provolatile <> 'i' -- IMMUTABLE: it promises to read nothing
    and not exists ( -- functions of extensions do not read your tables
      select from pg_depend
      where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e'
    )
    -- These read only the request's token.
    and not (pronamespace = to_regnamespace('auth')
      and proname in ('uid', 'role', 'jwt', 'email'));

-- What reads the request itself, its headers for example. We find it by searching the text of views,
-- policies and functions.
create view edge_cache.findings_of_request_settings as
  with met as (
    select distinct object, relation, function from edge_cache.reads
  ),
  parts as (
    select object, format('view %s', relation) as part, pg_get_viewdef(relation) as definition
    from met
    join pg_class on pg_class.oid = met.relation and relkind = 'v'
    union all
    select object, format('policy %I of %s', polname, relation), pg_get_expr(polqual, polrelid)
    from met
    join edge_cache.policies_met using (relation)
    join pg_policy on pg_policy.oid = policy
    union all
    select object, format('function %s', function),
      coalesce(pg_get_function_sqlbody(function), prosrc)
    from met
    join pg_proc on pg_proc.oid = function
  )
  select object,
    format('It reads request.%s, through %s. The request that fills the cache has no values of a reader '
      'there.', string_agg(distinct found[1], ', request.' order by found[1]), part) as finding,
    'Remove it from [vars.TABLES], so that Supabase itself answers, or let it not read the request.'
      as advice
  from parts
  cross join regexp_matches(definition, 'request\.(headers?|cookies?|path|method)\y', 'g') as found
  group by object, part;
