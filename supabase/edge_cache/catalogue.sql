-- What the Worker has to know to say what an answer depends on. Every list of relations that something
-- reads is followed through to the end, and is null if nobody can tell. If `known` is the present
-- fingerprint, the answer is that alone.
create or replace function edge_cache.catalogue(known text default null)
  returns json
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set jit = off -- compiling would take longer than running
as $$
declare
  relations_told json;
  foreign_keys_told json;
  functions_told json;
  details text;
  fingerprint text;
begin
  with recursive
    edges as materialized (
      select distinct edges.kind, reader, read_kind, read from edge_cache.edges
    ),
    listed as materialized (
      select pg_class.oid as relation
      from pg_class
      join pg_namespace on pg_namespace.oid = relnamespace
      where relkind in ('r', 'p', 'v', 'm', 'f')
        and nspname in (select schema_name from edge_cache.declared)
    ),
    called as materialized (
      select pg_proc.oid as function, nspname, proname, provolatile, prorettype
      from edge_cache.declared
      join pg_namespace on nspname = schema_name
      join pg_proc on proname = name and pronamespace = pg_namespace.oid
      where declared.kind = 'function'
    ),
    computed as materialized (
      select relation, function from edge_cache.computed_columns join listed using (relation)
    ),
    reached (kind, node) as (
      select 'pg_class'::regclass::oid, relation from listed
      union
      select 'pg_proc'::regclass, function from called
      union
      select 'pg_proc'::regclass, function from computed
      union
      select read_kind, read
      from reached
      join edges on (edges.kind, reader) = (reached.kind, node)
    ),
    relations as materialized (
      select node as relation, nspname, relname, relkind, json_build_array(nspname, relname) as name
      from reached
      join pg_class on kind = 'pg_class'::regclass and pg_class.oid = node
      join pg_namespace on pg_namespace.oid = relnamespace
    ),
    below (top_kind, top, kind, node) as (
      select edges.kind, reader, read_kind, read
      from reached
      join edges on (edges.kind, reader) = (reached.kind, node)
      union
      select top_kind, top, read_kind, read
      from below
      join edges on (edges.kind, reader) = (below.kind, node)
    ),
    ancestors (relation, ancestor) as (
      select inhrelid, inhparent from pg_inherits join relations on inhrelid = relation
      union
      select relation, inhparent from ancestors join pg_inherits on inhrelid = ancestor
    ),
    -- A statement that names an ancestor of a partition fires the triggers of that ancestor only.
    changing (top_kind, top, relation) as materialized (
      select top_kind, top, relation
      from below
      join relations on kind = 'pg_class'::regclass and relation = node
      where relkind in ('r', 'p', 'm', 'f')
      union
      select top_kind, top, ancestor
      from below
      join ancestors on kind = 'pg_class'::regclass and relation = node
      where (top_kind, top) <> ('pg_class'::regclass, ancestor)
      union
      select 'pg_class'::regclass, relation, ancestor from ancestors
    ),
    unknown as materialized (
      select unknown_of.*
      from edge_cache.unknown_of(
        (select array_agg(node) from reached where kind = 'pg_proc'::regclass),
        (select array_agg(node) from reached where kind = 'pg_class'::regclass)
      )
    ),
    uncertain (kind, node) as materialized (
      select unknown.kind, unknown.node from unknown
      union
      select top_kind, top
      from below
      join unknown on (unknown.kind, unknown.node) = (below.kind, below.node)
    ),
    rows_apart as materialized (
      select *
      from edge_cache.table_keys
      where ('pg_class'::regclass, relation) not in (select kind, node from uncertain)
        and ('pg_class'::regclass, relation, relation) not in (select * from changing)
    ),
    above_rows as materialized (
      select distinct top
      from changing
      join rows_apart using (relation)
      where top_kind = 'pg_class'::regclass
    ),
    plain as materialized (
      select relation as view, plain_columns.*
      from relations
      cross join edge_cache.plain_columns(relation)
      where relkind = 'v'
        and ('pg_class'::regclass, relation) not in (select kind, node from uncertain)
        and relation in (select top from above_rows)
    ),
    shown (relation, number, origin) as (
      select relation, number, relation from rows_apart
      union
      select view, plain.number, origin
      from shown
      join plain on (source, source_number) = (shown.relation, shown.number)
      -- Nothing else that the view reads depends on that table.
      where not exists (
        select
        from edges
        where (kind, reader) = ('pg_class'::regclass, view)
          and (read_kind, read) <> ('pg_class'::regclass, source)
          and (
            (read_kind, read) = ('pg_class'::regclass, origin)
            or (read_kind, read, origin) in (select * from changing)
          )
      )
    ),
    keys as materialized (
      select distinct on (shown.relation) shown.relation, attname, type, origin
      from shown
      join rows_apart on rows_apart.relation = origin
      join pg_attribute on attrelid = shown.relation and attnum = shown.number
      order by shown.relation, attname <> rows_apart.name, shown.number
    ),
    lists as materialized (
      select top_kind, top, json_agg(name order by nspname, relname) as names
      from changing
      join relations using (relation)
      left join keys on top_kind = 'pg_class'::regclass and keys.relation = top
      where keys.relation is null or changing.relation <> origin or top = origin
      group by top_kind, top
    ),
    reads as materialized (
      select reached.kind, reached.node,
        case when uncertain.node is null then coalesce(names, '[]') end as names
      from reached
      left join uncertain on (uncertain.kind, uncertain.node) = (reached.kind, reached.node)
      left join lists on (top_kind, top) = (reached.kind, reached.node)
    ),
    differences (of_kind, of_node, differs) as materialized (
      select *
      from edge_cache.differs_of(
        (select array_agg(relation) from relations where relkind <> 'S'),
        (select array_agg(function) from (
          select function from called union select function from computed
        ) as functions)
      )
    ),
    columns as (
      select computed.relation,
        json_agg(
          json_build_object('name', proname, 'reads', names, 'returns', target.name, 'differs', differs)
          order by proname, function
        ) as told
      from computed
      join differences on (of_kind, of_node) = ('function', function)
      join reads on kind = 'pg_proc'::regclass and node = function
      join pg_proc on pg_proc.oid = function
      left join pg_type on pg_type.oid = prorettype
      left join relations as target on target.relation = typrelid
      group by computed.relation
    )
  select
    (
      select json_agg(
        json_build_object(
          'schema', nspname, 'name', relname, 'view', relkind = 'v', 'reads', names,
          'key', case when keys.relation is not null then json_build_object(
            'column', attname, 'type', type,
            'of', (select of_key.name from relations as of_key where of_key.relation = origin)
          ) end,
          'computed', coalesce(columns.told, '[]'), 'differs', differs
        )
        order by nspname, relname
      )
      from relations
      join reads on kind = 'pg_class'::regclass and node = relation
      join differences on (of_kind, of_node) = ('relation', relation)
      left join keys using (relation)
      left join columns using (relation)
      where relkind <> 'S'
    ),
    (
      select json_agg(
        json_build_object(
          'name', conname, 'from', one.name, 'columns', edge_cache.columns_of(conrelid, conkey),
          'to', other.name, 'to_columns', edge_cache.columns_of(confrelid, confkey)
        )
        order by one.nspname, one.relname, conname
      )
      from pg_constraint
      join relations as one on one.relation = conrelid
      join relations as other on other.relation = confrelid
      where contype = 'f' and conparentid = 0 -- The API knows none that a partition inherits.
    ),
    (
      select json_agg(
        json_build_object(
          'schema', called.nspname, 'name', proname, 'volatility', provolatile,
          'reads', names, 'returns', target.name, 'differs', differs
        )
        order by called.nspname, proname, function
      )
      from called
      join reads on kind = 'pg_proc'::regclass and node = function
      join differences on (of_kind, of_node) = ('function', function)
      join pg_type on pg_type.oid = prorettype
      left join relations as target on target.relation = typrelid
    ),
    edge_cache.details_of(
      (select array_agg(relation) from relations),
      (select array_agg(node) from reached where kind = 'pg_proc'::regclass),
      (select array_agg(node) from reached where kind = 'pg_type'::regclass)
    )
  into relations_told, foreign_keys_told, functions_told, details;
  fingerprint := encode(sha256(convert_to(
    concat_ws(e'\n', relations_told, foreign_keys_told, functions_told, details), 'UTF8'
  )), 'hex');
  if fingerprint = known then
    return json_build_object('fingerprint', fingerprint);
  end if;
  return json_build_object(
    'fingerprint', fingerprint,
    'relations', coalesce(relations_told, '[]'),
    'foreign_keys', coalesce(foreign_keys_told, '[]'),
    'functions', coalesce(functions_told, '[]')
  );
end
$$;

-- The Worker calls this.
create or replace function public.edge_cache_catalogue(secret text, known text default null)
  returns json
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform edge_cache.require_secret(secret);
  return edge_cache.catalogue(known);
end
$$;

revoke all on function public.edge_cache_catalogue(text, text) from public;
grant execute on function public.edge_cache_catalogue(text, text) to anon, authenticated;
