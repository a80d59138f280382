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
  union all
  select object, format('What it shows depends on %s%s, whose changes are not its own.', relation, how),
    'Serve a view of it instead, with view = true, and declare both tables with watch = true; or '
      'bound its age with MAX_AGE_SECONDS and QUERY_MAX_AGE_SECONDS.'
  from told
  join pg_class on pg_class.oid = relation and relkind in ('r', 'p', 'v')
  where declared_as = 'table' and through <> ''
    and relation <> to_regclass(object)
  union all
  select object, format('It reads %s%s, a %s, whose changes fire no trigger.', relation, how,
      case relkind when 'm' then 'materialised view' else 'foreign table' end),
    'Have it read local tables instead, or bound its age with QUERY_MAX_AGE_SECONDS.'
  from told
  join pg_class on pg_class.oid = relation and relkind in ('m', 'f')
  where through <> ''
  union all
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
