-- Of each declared relation and function: whether readers who are signed in get the same of it as everybody
-- else, so that one answer is good for all of them.
create view edge_cache.findings_of_readers as
  with declared_objects as materialized (
    select format('%I.%I', schema_name, name) as object, 'relation' as kind, pg_class.oid as node
    from edge_cache.declared
    join pg_class on relname = name and relnamespace = to_regnamespace(quote_ident(schema_name))
    where declared.kind in ('table', 'view', 'watch') and relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select format('%I.%I', schema_name, name), 'function', pg_proc.oid
    from edge_cache.declared
    join pg_proc on proname = name and pronamespace = to_regnamespace(quote_ident(schema_name))
    where declared.kind = 'function'
  )
  select distinct object,
    case
      when differs is null then 'Readers who are signed in get the same of it as everybody else.'
      else format('Readers who are signed in may get something different: %s.', differs)
    end as finding,
    case
      when differs is null then 'Nothing needs to be done.'
      else 'Nothing needs to be done, unless it should be the same for everybody. Then change what is named.'
    end as advice
  from declared_objects
  join edge_cache.differs_of(
    (select array_agg(node) from declared_objects where kind = 'relation'),
    (select array_agg(node) from declared_objects where kind = 'function')
  ) using (kind, node);
