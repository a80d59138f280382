-- The functions that make an answer's text instead of the API: media type handlers. Such a function returns
-- a domain that has the name of a media type, such as "text/csv" or "*/*". It is an aggregate of rows, or
-- the function that is called.
drop view if exists edge_cache.handler_functions cascade;
create view edge_cache.handler_functions as
  select pg_proc.oid as function
  from pg_proc
  left join pg_aggregate on aggfnoid = pg_proc.oid
  where prorettype in (select oid from pg_type where typtype = 'd' and typname like '%/%')
    or aggtranstype in (select oid from pg_type where typtype = 'd' and typname like '%/%');

create view edge_cache.handlers as
  with handlers (kind, node, handler) as (
    select 'relation', relation, function
    from edge_cache.computed_columns
    join edge_cache.handler_functions using (function)
    union
    select 'function', returned_rows.function, handler_functions.function
    from edge_cache.returned_rows
    cross join edge_cache.handler_functions
    join edge_cache.functions_of_one on functions_of_one.function = handler_functions.function
    where takes_any_row or relation in (
      select computed_columns.relation
      from edge_cache.computed_columns
      where computed_columns.function = handler_functions.function
    )
    union
    select 'function', function, function
    from edge_cache.returned_rows
    join edge_cache.handler_functions using (function)
  )
  select *, format('%s makes the answer (a media type handler)', handler::regprocedure) as fault
  from handlers;
