-- Whether readers who are signed in get the same as those who are not, and if not, why.
--
-- We prove that they do: both roles have the same rights, and nothing that decides what they get looks at who
-- asks, at the request or at the session. What we do not understand counts as a difference.

-- Of each relation and each function that the API shows: null if both roles get the same of it, and else
-- the first reason why they may not. An answer that embeds others, or shows computed columns, is the same
-- only if those are, too.
create or replace function edge_cache.differs_of(relations oid[], functions oid[])
  returns table (kind text, node oid, differs text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
  set jit = off -- compiling would take longer than running
as $$
  with recursive tops (kind, node) as materialized (
    select 'relation', relation from unnest(relations) as relation
    union
    select 'function', function from unnest(functions) as function
  ),
  steps as materialized (select * from edge_cache.steps),
  reached (top_kind, top, kind, node, runs_as, reads_as) as (
    select tops.kind, tops.node, tops.kind, tops.node, 0::oid, 0::oid from tops
    union
    select 'function', function, 'function', computed, 0, 0
    from edge_cache.columns_of_functions
    where function = any (functions)
    union
    select top_kind, top, to_kind, to_node, coalesce(steps.runs_as, reached.runs_as),
      case
        when reads_as_caller then coalesce(steps.runs_as, reached.runs_as)
        else coalesce(steps.reads_as, reached.reads_as)
      end
    from reached
    join steps on (steps.kind, steps.node) = (reached.kind, reached.node)
      and (if_read_by is null or if_read_by = reached.reads_as)
    where fault is null
  ),
  reasons (kind, node, rank, fault) as (
    select top_kind, top,
      case when (steps.kind, steps.node) = (top_kind, top) then 1 else 2 end, fault
    from reached
    join steps on (steps.kind, steps.node) = (reached.kind, reached.node)
      and (if_read_by is null or if_read_by = reached.reads_as)
      and (if_run_by is null or if_run_by = reached.runs_as)
    where fault is not null
    union all
    select tops.kind, tops.node, 0, fault from tops cross join edge_cache.settings_apart
    union all
    select 'relation', pg_class.oid, 0, format('%s may not use the schema %I', role, nspname)
    from unnest(relations) as relation
    join pg_class on pg_class.oid = relation
    join pg_namespace on pg_namespace.oid = relnamespace
    cross join unnest(array['anon', 'authenticated']) as role
    where not has_schema_privilege(role, pg_namespace.oid, 'usage')
    union all
    select 'relation', relation, 1, format('anon may not select from %s', relation::regclass)
    from unnest(relations) as relation
    where not has_any_column_privilege('anon', relation, 'select')
    union all
    -- The API casts each argument to its type, which it finds by the name.
    select 'function', function, 0, format('%s may not use the schema %I', role, nspname)
    from unnest(functions) as function
    cross join lateral (
      select pronamespace as schema from pg_proc where pg_proc.oid = function
      union
      select typnamespace
      from pg_proc
      cross join unnest(proargtypes) as type
      join pg_type on pg_type.oid = type
      where pg_proc.oid = function
    ) as named
    join pg_namespace on pg_namespace.oid = schema
    cross join unnest(array['anon', 'authenticated']) as role
    where not has_schema_privilege(role, pg_namespace.oid, 'usage')
    union all
    select 'function', function, 1, format('anon may not execute %s', function::regprocedure)
    from unnest(functions) as function
    where not has_function_privilege('anon', function, 'execute')
    union all
    select 'function', function, 2, 'the API ' || judged_functions.fault
    from unnest(functions) as function
    join edge_cache.judged_functions using (function)
    union all
    select 'function', columns.function, 2, 'the API ' || judged.fault
    from edge_cache.columns_of_functions as columns
    join edge_cache.judged_functions as judged on judged.function = computed
    where columns.function = any (functions)
    union all
    select handlers.kind, handlers.node, 1, handlers.fault
    from tops
    join edge_cache.handlers on (handlers.kind, handlers.node) = (tops.kind, tops.node)
    union all
    select 'relation', relation, 1, converted_rows.fault
    from unnest(relations) as relation
    join edge_cache.converted_rows using (relation)
    union all
    select 'function', function, 1, converted_rows.fault
    from unnest(functions) as function
    join edge_cache.returned_rows using (function)
    join edge_cache.converted_rows using (relation)
  )
  select distinct on (tops.kind, tops.node) tops.kind, tops.node, fault
  from tops
  left join reasons
    on (reasons.kind, reasons.node) = (tops.kind, tops.node) and fault is not null
  order by tops.kind, tops.node, rank, fault collate "C";
$$;
