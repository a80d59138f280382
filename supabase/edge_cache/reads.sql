create view edge_cache.declared_relations as
  select declared.kind, schema_name, name, pg_class.oid as relation
  from edge_cache.declared
  join pg_class on relname = name and relnamespace = to_regnamespace(quote_ident(schema_name))
  where declared.kind <> 'function' and relkind in ('r', 'p', 'v', 'm', 'f');

-- (The `cascade` above did not drop this view, because it does not read edge_cache.declared.)
drop view if exists edge_cache.policies_met cascade;
create view edge_cache.policies_met as
  select oid as policy, polrelid as relation,
    format('policy %I of %s', polname, polrelid::regclass) as name
  from pg_policy
  where polcmd in ('r', '*') and polroles && array[0, to_regrole('anon')::oid];

-- If a function's only argument is a row of the relation, the API shows it as a column of the relation.
create view edge_cache.computed_columns as
  select pg_proc.oid as function, relation,
    format('computed column %I of %s', proname, relation::regclass) as name
  from edge_cache.declared_relations
  join pg_class on pg_class.oid = relation
  join pg_proc on pronargs = 1 and proargtypes[0] = reltype
  where has_function_privilege('anon', pg_proc.oid, 'execute')
    and has_schema_privilege('anon', pronamespace, 'usage');

-- What the declared objects read, directly or through something else, as far as the database knows:
-- * a view, or a function with a body in BEGIN ATOMIC, reads what its definition names;
-- * a table reads what the policies name that apply to the public key's role;
-- * tables and views read what their computed columns read.
-- `through` names what reads it. It is empty for the declared object itself.
create view edge_cache.reads as
  with recursive readers as (
    select 'pg_class'::regclass as kind, ev_class as reader, 'pg_rewrite'::regclass as part_kind,
      pg_rewrite.oid as part, format('view %s', ev_class::regclass) as through
    from pg_rewrite
    join pg_class on pg_class.oid = ev_class and relkind = 'v'
    union all
    select 'pg_class', relation, 'pg_policy', policy, name
    from edge_cache.policies_met
    union all
    select 'pg_proc', oid, 'pg_proc', oid, format('function %s', oid::regproc)
    from pg_proc where prosqlbody is not null
  ),
  edges as (
    select kind, reader, refclassid as read_kind, refobjid as read, through
    from readers
    join pg_depend on classid = part_kind and objid = part
    where refclassid in ('pg_class'::regclass, 'pg_proc'::regclass)
    union all
    select 'pg_class', relation, 'pg_proc'::regclass, function, name
    from edge_cache.computed_columns
  ),
  tree as (
    select kind as declared_as, schema_name, name,
      'pg_class'::regclass::oid as kind, relation as read, '' collate "C" as through
    from edge_cache.declared_relations
    union
    select declared.kind, schema_name, name, 'pg_proc'::regclass, pg_proc.oid, ''
    from edge_cache.declared
    join pg_proc on proname = name and pronamespace = to_regnamespace(quote_ident(schema_name))
    where declared.kind = 'function'
    union
    select declared_as, schema_name, name, edges.read_kind, edges.read, edges.through
    from tree
    join edges on edges.kind = tree.kind and edges.reader = tree.read
  )
  select declared_as, schema_name, name, format('%I.%I', schema_name, name) as object,
    case when tree.kind = 'pg_class'::regclass then read::regclass end as relation,
    case when tree.kind = 'pg_proc'::regclass then read::regprocedure end as function,
    through
  from tree;
