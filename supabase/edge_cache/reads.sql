-- What the declared objects read, directly or through something else, as far as the database knows.
-- `through` names what reads it. It is empty for the declared object itself.
create view edge_cache.reads as
  with recursive declared_objects as (
    select declared.kind as declared_as, schema_name, name, 'pg_class'::regclass::oid as kind,
      pg_class.oid as node
    from edge_cache.declared
    join pg_class on relname = name and relnamespace = to_regnamespace(quote_ident(schema_name))
    where declared.kind <> 'function' and relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select declared.kind, schema_name, name, 'pg_proc'::regclass, pg_proc.oid
    from edge_cache.declared
    join pg_proc on proname = name and pronamespace = to_regnamespace(quote_ident(schema_name))
    where declared.kind = 'function'
  ),
  edges as materialized (
    select kind, reader, read_kind, read, part_kind, part from edge_cache.edges
    union all
    select 'pg_class'::regclass, relation, 'pg_proc'::regclass, function, 'pg_proc'::regclass, relation
    from edge_cache.computed_columns
    join pg_proc on pg_proc.oid = function
    where relation in (select node from declared_objects where kind = 'pg_class'::regclass)
      and proargtypes[0] >= 16384
      and has_function_privilege('anon', function, 'execute')
      and has_schema_privilege('anon', pronamespace, 'usage')
  ),
  tree (declared_as, schema_name, name, kind, node, reader_kind, reader, part_kind, part) as (
    select declared_as, schema_name, name, kind, node, 0::oid, 0::oid, 0::oid, 0::oid
    from declared_objects
    union
    select declared_as, schema_name, name, read_kind, read, edges.kind, edges.reader,
      edges.part_kind, edges.part
    from tree
    join edges on (edges.kind, edges.reader) = (tree.kind, tree.node)
  )
  select declared_as, schema_name, name, format('%I.%I', schema_name, name) as object,
    case when kind = 'pg_class'::regclass then node::regclass end as relation,
    case when kind = 'pg_proc'::regclass then node::regprocedure end as function,
    case
      when part_kind = 0 then ''
      when part_kind = 'pg_rewrite'::regclass then format('view %s', reader::regclass)
      when part_kind = 'pg_policy'::regclass
        then (select format('policy %I of %s', polname, reader::regclass) from pg_policy where oid = part)
      when reader_kind = 'pg_type'::regclass then format('type %s', reader::regtype)
      when reader_kind = 'pg_proc'::regclass then format('function %s', reader::regproc)
      when part_kind = 'pg_proc'::regclass then (
        select format('computed column %I of %s', proname, reader::regclass)
        from pg_proc
        where oid = node
      )
      else format('table %s', reader::regclass)
    end as through
  from tree;
