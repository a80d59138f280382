-- What an answer depends on: nodes and edges. A node is a relation, a function or a type, named by its
-- system catalogue and its oid. An edge leads from what reads to what it reads.
--
-- Postgres records in pg_depend what views, policies and bodies in BEGIN ATOMIC name. It records nothing
-- about bodies that are texts, and nothing about what it came with itself (oids below 16384).

-- The roles whose policies a read can meet. A view, or a function with SECURITY DEFINER, reads with the
-- rights of its owner. (`drop declared cascade` did not drop this view, because it does not read that.)
drop view if exists edge_cache.policies_met, edge_cache.roles_met cascade;
create view edge_cache.roles_met as
  with readers as (
    select oid from pg_roles where rolname in ('anon', 'authenticated')
    union
    select oid
    from pg_roles
    where not rolsuper and not rolbypassrls and oid in (
      select relowner from pg_class where relkind = 'v' and oid >= 16384
      union
      select proowner from pg_proc where prosecdef and oid >= 16384
    )
  )
  select 0::oid as role -- PUBLIC
  union
  select pg_roles.oid
  from readers
  join pg_roles on pg_has_role(readers.oid, pg_roles.oid, 'usage');

create view edge_cache.policies_met as
  select pg_policy.oid as policy, polrelid as relation, polqual::text as tree
  from pg_policy
  join pg_class on pg_class.oid = polrelid and relrowsecurity
  where polcmd in ('r', '*') and polroles && (select array_agg(role) from edge_cache.roles_met);

-- An IMMUTABLE function promises to read nothing, so it is no node. Others are.
create view edge_cache.reading_functions as
  select pg_proc.oid as function, declared.reads as declared_reads
  from pg_proc
  join pg_namespace on pg_namespace.oid = pronamespace
  left join edge_cache.declared on kind = 'function' and name = proname and schema_name = nspname
  where pg_proc.oid >= 16384
    and (provolatile <> 'i' or prosqlbody is not null or prokind = 'a' or declared.reads is not null);

-- `part_kind` and `part` are the rule, policy, function or constraint that the edge comes from.
create view edge_cache.edges as
  with parts (kind, reader, part_kind, part) as (
    select 'pg_class'::regclass::oid, ev_class, 'pg_rewrite'::regclass::oid, pg_rewrite.oid
    from pg_rewrite
    join pg_class on pg_class.oid = ev_class and relkind = 'v' and ev_class >= 16384
    union all
    select 'pg_class'::regclass, relation, 'pg_policy'::regclass, policy from edge_cache.policies_met
    union all
    select 'pg_class'::regclass, oid, 'pg_class'::regclass, oid -- for the types of its columns
    from pg_class
    where relkind in ('r', 'p', 'v', 'm', 'f') and oid >= 16384
    union all
    select 'pg_proc'::regclass, function, 'pg_proc'::regclass, function from edge_cache.reading_functions
    union all
    select 'pg_type'::regclass, oid, 'pg_type'::regclass, oid
    from pg_type
    where oid >= 16384 and typtype <> 'c'
    union all
    select 'pg_type'::regclass, contypid, 'pg_constraint'::regclass, oid
    from pg_constraint
    where contypid >= 16384
    union all
    select 'pg_type'::regclass, reltype, 'pg_class'::regclass, oid -- a composite type
    from pg_class
    where relkind = 'c' and oid >= 16384
  ),
  named as (
    select distinct kind, reader, part_kind, part, refclassid, refobjid
    from parts
    join pg_depend on classid = part_kind and objid = part
    where refclassid in (
      'pg_class'::regclass, 'pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass
    )
  )
  -- A rule names its own view, a policy the columns of its own table, and a function those of the row
  -- that it is given. Those are no edges.
  select kind, reader, refclassid as read_kind, refobjid as read, part_kind, part
  from named
  join pg_class on refclassid = 'pg_class'::regclass and pg_class.oid = refobjid
    and relkind in ('r', 'p', 'v', 'm', 'f', 'S') and pg_class.oid >= 16384
  where part_kind <> 'pg_class'::regclass
    and (kind, reader) <> (refclassid, refobjid)
    and (part_kind <> 'pg_proc'::regclass or exists (
      select from pg_proc
      where pg_proc.oid = part and position(format(':relid %s ', refobjid) in prosqlbody::text) > 0
    ))
  union all
  select 'pg_class'::regclass, relation, 'pg_class'::regclass, relation, 'pg_policy'::regclass, policy
  from edge_cache.policies_met
  where position(format(':relid %s ', relation) in tree) > 0 -- but a query of the own table is one
  union all
  select kind, reader, refclassid, refobjid, part_kind, part
  from named
  join edge_cache.reading_functions on refclassid = 'pg_proc'::regclass and function = refobjid
  union all
  select kind, reader, 'pg_proc'::regclass, function, part_kind, part
  from named
  join pg_operator on refclassid = 'pg_operator'::regclass and pg_operator.oid = refobjid
  join edge_cache.reading_functions on function = oprcode
  union all
  select kind, reader, refclassid, refobjid, part_kind, part
  from named
  where refclassid = 'pg_type'::regclass and refobjid >= 16384
  union all
  -- The API can cast and compare a column, and Postgres casts it to JSON.
  select 'pg_type'::regclass, type, 'pg_proc'::regclass, function, 'pg_type'::regclass, type
  from (
    select unnest(array[castsource, casttarget]) as type, castfunc::oid as code from pg_cast
    union
    select unnest(array[oprleft, oprright]), oprcode::oid from pg_operator
  ) as of_type
  join edge_cache.reading_functions on function = code
  where type >= 16384
  union all
  select 'pg_class'::regclass, inhparent, 'pg_class'::regclass, inhrelid, 'pg_class'::regclass, inhparent
  from pg_inherits
  join pg_class on pg_class.oid = inhrelid and relkind in ('r', 'p', 'f')
  union all
  select 'pg_proc'::regclass, columns.function, 'pg_proc'::regclass, computed, 'pg_proc'::regclass,
    columns.function
  from edge_cache.columns_of_functions as columns
  join edge_cache.reading_functions on reading_functions.function = computed
  union all
  select of_kind, node, 'pg_proc'::regclass, handler, of_kind, node
  from edge_cache.handlers
  cross join lateral (
    select case kind when 'relation' then 'pg_class'::regclass else 'pg_proc'::regclass end::oid as of_kind
  ) as named
  join edge_cache.reading_functions on function = handler
  where (of_kind, node) <> ('pg_proc'::regclass, handler)
  union all
  select 'pg_proc'::regclass, function, 'pg_class'::regclass, pg_class.oid, 'pg_proc'::regclass, function
  from edge_cache.reading_functions
  cross join jsonb_array_elements(declared_reads) as declared
  join pg_class
    on relname = declared ->> 1 and relnamespace = to_regnamespace(quote_ident(declared ->> 0));
