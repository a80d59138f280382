-- What the declared objects read whose changes the Worker does not learn of.
create view edge_cache.findings_of_reads as
  with told as materialized (
    select declared_as, object, through, relation, function,
      case when through = '' then '' else ', through ' || through end as how
    from edge_cache.reads
  )
  select object, format('It reads %s%s. That is a %s: its changes fire no trigger.', relation, how,
      case relkind when 'm' then 'materialised view' else 'foreign table' end),
    'Let it read local tables instead, or limit the age of its entries with QUERY_MAX_AGE_SECONDS.'
  from told
  join pg_class on pg_class.oid = relation and relkind in ('m', 'f')
  where through <> ''
  union
  select object,
    case
      when relkind = 'S'
        then format('It reads %s%s. That is a sequence: its changes fire no trigger.', relation, how)
      when relation in (select converted_rows.relation from edge_cache.converted_rows)
        then format('It reads %s%s. The database can convert its rows, by a domain or a cast, to what we do '
          'not follow.', relation, how)
      when relation is not null
        then format('It calls a function of Postgres that reads what a text names, in %s.', relation)
      when through = '' then 'The database does not know what this function reads.'
      else format('It calls %s%s. The database does not know what that reads.', function, how)
    end,
    'So every change makes its entries out of date. Write the body of a function with BEGIN ATOMIC, or, if '
      'the function is declared, say what it reads in src/tables.toml, such as reads = ["articles"].'
  from told
  join edge_cache.unknown_of(
    (select array_agg(distinct function::oid) from told),
    (select array_agg(distinct relation::oid) from told)
  ) as unknown on node = coalesce(function::oid, relation::oid)
    and kind = case when function is null then 'pg_class'::regclass else 'pg_proc'::regclass end
  left join pg_class on pg_class.oid = relation;

-- What reads the request itself, its headers for example. We find it by searching the text of views,
-- policies and functions.
create view edge_cache.findings_of_request_settings as
  with met as materialized (
    select distinct object, relation, function from edge_cache.reads
  ),
  readers (object, kind, part) as (
    select object, 'pg_proc'::regclass::oid, function::oid from met where function is not null
    union all
    select object, 'pg_rewrite'::regclass, pg_rewrite.oid
    from met
    join pg_rewrite on ev_class = relation
    union all
    select object, 'pg_policy'::regclass, policy
    from met
    join edge_cache.policies_met using (relation)
  ),
  -- An IMMUTABLE function promises to read nothing, so edge_cache.reads has none.
  called (object, function) as (
    select object, part from readers where kind = 'pg_proc'::regclass
    union
    select object, refobjid
    from readers
    join pg_depend on classid = kind and objid = part
    where refclassid = 'pg_proc'::regclass and refobjid >= 16384
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
    select object, format('function %s', function::regprocedure),
      coalesce(pg_get_function_sqlbody(function), prosrc)
    from called
    join pg_proc on pg_proc.oid = function
  )
  select object,
    format('It reads request.%s, through %s. The request that fills the cache has no values of a reader '
      'there.', string_agg(distinct found[1], ', request.' order by found[1]), part) as finding,
    'Remove it from src/tables.toml, so that Supabase itself answers, or let it not read the request.'
      as advice
  from parts
  cross join regexp_matches(definition, 'request\.(headers?|cookies?|path|method)\y', 'g') as found
  group by object, part;
