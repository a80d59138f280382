-- What is declared but does not exist, or is of another kind.
create view edge_cache.findings_of_declared as
  with found as (
    select format('%I.%I', schema_name, name) as object, declared.kind, relkind
    from edge_cache.declared
    left join pg_class
      on relname = name and relnamespace = to_regnamespace(quote_ident(schema_name))
      and relkind in ('r', 'p', 'v', 'm', 'f')
    where declared.kind <> 'function'
  )
  select object,
    format('It is declared as a %s, but does not exist.', replace(kind, 'watch', 'watched table'))
      as finding,
    'Create it or remove it from src/tables.toml, then run the script of "npm run --silent sql" again.' as advice
  from found where relkind is null
  union all
  select object, 'It is declared as a table, but is a view.',
    'Declare it with view = true, and each table that it reads with watch = true.'
  from found where kind in ('table', 'watch') and relkind = 'v'
  union all
  select object,
    format('It is a %s. Its changes fire no trigger.',
      case relkind when 'm' then 'materialised view' else 'foreign table' end),
    'Serve a view of local tables instead, or limit the age of its entries with '
      'QUERY_MAX_AGE_SECONDS and MAX_AGE_SECONDS.'
  from found where relkind in ('m', 'f')
  union all
  select format('%I.%I', schema_name, name), 'It is declared as a function, but does not exist.',
    'Create it or remove it from src/tables.toml, then run the script of "npm run --silent sql" again.'
  from edge_cache.declared
  where kind = 'function' and not exists (
    select from pg_proc
    where proname = name and pronamespace = to_regnamespace(quote_ident(schema_name))
  );
