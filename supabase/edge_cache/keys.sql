-- Which answers can depend on single rows: those of tables, and of views that show a table's key.

-- The declared tables whose changes name their keys, and whose rows each have a key of their own.
create view edge_cache.table_keys as
  select pg_class.oid as relation, attnum as number, attname as name, typname as type
  from edge_cache.declared
  join pg_namespace on nspname = schema_name
  join pg_class on relname = declared.name and relnamespace = pg_namespace.oid
  join pg_attribute on attrelid = pg_class.oid and attname = key_column
  join pg_type on pg_type.oid = atttypid
  left join pg_collation on pg_collation.oid = attcollation
  where kind = 'table'
    and edge_cache.is_told(atttypid)
    and collisdeterministic is not false
    and exists (
      select from pg_index
      where indrelid = pg_class.oid and indisunique and indisvalid and indpred is null
        and indnkeyatts = 1 and indkey[0] = attnum
    )
    and (
      relkind = 'p'
      -- A unique index does not cover inheritance children.
      or relkind = 'r' and not exists (select from pg_inherits where inhparent = pg_class.oid)
    );

-- The columns of a view that are plainly a column of a relation, if each row of the view comes of one
-- row of that relation and of no other one. It reads the stored tree of the view's rule.
create or replace function edge_cache.plain_columns(view oid)
  returns table (number smallint, source oid, source_number smallint)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  rows 10
as $$
declare
  -- Backslashes escape the brackets in names.
  tree constant text := (
    select regexp_replace(ev_action::text, '\\.', '_', 'g')
    from pg_rewrite
    where ev_class = view and rulename = '_RETURN'
  );
begin
  return query
    with cut as (
      select piece, ordinality as place,
        sum(case left(piece, 1) when '{' then 1 when '}' then -1 else 0 end)
          over (order by ordinality) as depth
      from string_to_table(replace(replace(tree, '{', e'\x01{'), '}', e'\x01}'), e'\x01')
        with ordinality as cut (piece)
    ),
    -- The query is at depth 1. The relations of its FROM and its columns are at depth 2.
    numbered as (
      select piece, place, depth,
        count(*) filter (where depth = 2 and left(piece, 1) = '{') over (order by place) as part
      from cut
    ),
    query as (
      select string_agg(piece, '' order by place) as text from numbered where depth = 1
    ),
    parts as (
      select part, string_agg(piece, '' order by place) as text,
        string_agg(piece, '' order by place) filter (where depth = 2) as own_text
      from numbered
      where depth > 1
      group by part
    ),
    sources as (
      select row_number() over (order by part) as place, own_text
      from parts
      where own_text like '{RANGETBLENTRY %'
    ),
    tables as materialized (
      select place, (regexp_match(own_text, ':rtekind 0 :relid (\d+) '))[1]::oid as oid
      from sources
      where own_text like '%:tablesample <>%'
    ),
    columns as materialized (
      select regexp_match(text, '^\{TARGETENTRY :expr \{VAR :varno (\d+) :varattno (\d+) '
        '[^{}]*:varlevelsup 0 [^{}]*\} :resno (\d+) ') as numbers
      from parts
      where text like '{TARGETENTRY :expr {VAR %'
    )
    select numbers[3]::smallint, tables.oid, numbers[2]::smallint
    from columns
    join tables on tables.place = numbers[1]::int
    where (
        select bool_and(position(flag in query.text) > 0)
        from query
        cross join unnest(array[
          ':commandType 1 ', ':hasAggs false ', ':hasWindowFuncs false ', ':hasTargetSRFs false ',
          ':groupClause <>', ':groupingSets <>', ':havingQual <>', ':distinctClause <>',
          ':limitOffset <>', ':limitCount <>', ':setOperations <>'
        ]) as flag
      )
      -- Once, and no second time in a query within the query.
      and tables.oid in (
        select named[1]::oid
        from regexp_matches(tree, ':rtekind 0 :relid (\d+) ', 'g') as named
        group by 1
        having count(*) = 1
      );
end
$$;

-- The names of columns, in the order of their numbers.
create or replace function edge_cache.columns_of(relation oid, numbers smallint[])
  returns json
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select json_agg(attname order by place)
  from unnest(numbers) with ordinality as given (number, place)
  join pg_attribute on attrelid = relation and attnum = number;
$$;
