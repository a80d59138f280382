-- What declared objects read, and nobody tells the Worker of.
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
  union -- which says what overloads have in common once
  select object, format('What it shows depends on %s%s, whose changes are not its own.', relation, how),
    'Serve a view of it instead, with view = true, and declare both tables with watch = true; or '
      'bound its age with MAX_AGE_SECONDS and QUERY_MAX_AGE_SECONDS.'
  from told
  join pg_class on pg_class.oid = relation and relkind in ('r', 'p', 'v')
  where declared_as = 'table' and through <> ''
    and relation <> to_regclass(object)
  union
  select object, format('It reads %s%s, a %s, whose changes fire no trigger.', relation, how,
      case relkind when 'm' then 'materialised view' else 'foreign table' end),
    'Have it read local tables instead, or bound its age with QUERY_MAX_AGE_SECONDS.'
  from told
  join pg_class on pg_class.oid = relation and relkind in ('m', 'f')
  where through <> ''
  union
  select object,
    case
      when through = '' then 'Nobody can see what this function reads.'
      else format('It calls %s%s, and nobody can see what that reads.', function, how)
    end,
    'Write its body with BEGIN ATOMIC, or take care that each table that it reads is declared, '
      'with watch = true at least.'
  from told
  join pg_proc on pg_proc.oid = function
  where prosqlbody is null
    and provolatile <> 'i' -- promises to read nothing
    and not exists ( -- extensions' functions read no tables of yours
      select from pg_depend
      where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e'
    )
    -- These read the request's token.
    and not (pronamespace = to_regnamespace('auth')
      and proname in ('uid', 'role', 'jwt', 'email'));

-- What looks at the request itself. It is found by its text, wherever that is.
create view edge_cache.findings_of_request_settings as
  with met as (
    select distinct object, relation, function from edge_cache.reads
  ),
  parts as (
    select object, format('view %s', relation) as part, pg_get_viewdef(relation) as definition
    from met
    join pg_class on pg_class.oid = met.relation and relkind = 'v'
    union all
    select object, policies_met.name, pg_get_expr(polqual, polrelid)
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
    format('It reads request.%s, through %s: a request that fills the cache has nothing of a reader''s '
      'there.', string_agg(distinct found[1], ', request.' order by found[1]), part) as finding,
    'Take it out of [vars.TABLES], so that Supabase itself answers, or have it not look at the request.'
      as advice
  from parts
  cross join regexp_matches(definition, 'request\.(headers?|cookies?|path|method)\y', 'g') as found
  group by object, part;
