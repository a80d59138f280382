-- The ways along which anon and authenticated can get something different.

-- Types bring code along: what reads and prints them, casts and operators, and the checks of domains. Types
-- of Postgres itself bring only what looks at settings, except those that print a name as the search
-- path has it.
drop view if exists edge_cache.types_followed cascade;
create view edge_cache.types_followed as
  select oid as type, typtype, typrelid, typbasetype, typelem,
    case
      when oid < 16384
        then format('a value has the type %s, which shows what the search path finds', oid::regtype)
    end as fault
  from pg_type
  where typtype <> 'p' and (oid >= 16384 or typname ~ '^_?reg'); -- regclass, regproc and so on

-- What leads from one thing to another, and with whose rights. A thing is a relation, a function, a type, or
-- a tree. `runs_as` is the role whose rights count for functions from there on, and `reads_as` the one
-- whose rights and policies count for relations. Null stands for the same as before. The role 0 is the
-- reader, be it anon or authenticated. `if_run_by` and `if_read_by` say for which of these roles the step
-- is one.
--
-- A step with a fault leads nowhere: both roles may get something different there, or we cannot tell.
create view edge_cache.steps as
  with named as materialized (
    select * from edge_cache.named_in_trees
  ),
  calls as materialized (
    select kind, part as node, named as function from named where named_kind = 'function'
    union
    -- An aggregate is said to be immutable, whatever it is made of.
    select 'function', aggfnoid, made_of
    from pg_aggregate
    cross join unnest(array[
      aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn,
      aggmfinalfn
    ]::oid[]) as made_of
    where aggfnoid >= 16384 and made_of <> 0
    union
    select 'type', type, function
    from edge_cache.types_followed
    join (
      select castsource as type, castfunc::oid as function from pg_cast
      union all select casttarget, castfunc from pg_cast
      union all select oprleft, oprcode from pg_operator
      union all select oprright, oprcode from pg_operator
      union all select oid, unnest(array[typinput, typoutput, typsubscript]::oid[]) from pg_type
      union all select amproclefttype, amproc from pg_amproc
    ) as code using (type)
    where function >= 16384
  ),
  judged as materialized (
    select * from edge_cache.judged_functions where function in (select function from calls)
  ),
  roles (name, other) as (
    values ('anon', 'authenticated'), ('authenticated', 'anon')
  )
  -- The policies of authenticated are the same, or a fault says that they are not.
  select 'relation' as kind, relation as node, 'policy' as to_kind, policy as to_node,
    null::oid as runs_as, null::oid as reads_as, false as reads_as_caller,
    null::oid as if_run_by, if_read_by, null as fault
  from edge_cache.applied_policies
  cross join lateral (
    select role as if_read_by union all select 0 where name = 'anon'
  ) as readers
  union all
  select 'relation', oid, 'view', oid, null, case when not is_invokers then relowner end, is_invokers,
    null, null, null
  from pg_class
  cross join lateral (
    select coalesce(bool_or(option_value::boolean), false) as is_invokers
    from pg_options_to_table(reloptions)
    where option_name = 'security_invoker'
  ) as options
  where relkind = 'v' and oid >= 16384
  union all
  select 'relation', attrelid, 'type', type, null, null, true, null, null, null
  from pg_attribute
  join edge_cache.types_followed on type = atttypid
  where attnum > 0 and attrelid >= 16384
  union all
  select 'function', oid, 'type', type, null, null, true, null, null, null
  from pg_proc
  cross join unnest(prorettype || proargtypes::oid[] || coalesce(proallargtypes, '{}')) as of_it
  join edge_cache.types_followed on type = of_it
  where oid >= 16384
  union all
  select 'type', type, 'type', part, null, null, true, null, null, null
  from edge_cache.types_followed
  cross join lateral (
    select typbasetype as part where typbasetype <> 0
    union all select typelem where typelem <> 0
    union all select atttypid from pg_attribute where attrelid = typrelid and typrelid <> 0 and attnum > 0
    union all select rngsubtype from pg_range where rngtypid = type
    union all select rngtypid from pg_range where rngmultitypid = type
  ) as parts
  where part in (select type from edge_cache.types_followed)
  union all
  select 'function', oid, 'body', oid, case when prosecdef then proowner end, null, true, null, null, null
  from pg_proc
  where prosqlbody is not null
  union all
  select 'function', oid, 'default', oid, null, null, true, null, null, null
  from pg_proc
  where proargdefaults is not null and oid >= 16384
  union all
  select kind, node, 'function', function, null, null, true, null, null, null
  from calls
  join judged using (function)
  where is_followed
  union all
  select kind, part, 'type', named, null, null, true, null, null, null
  from named
  join edge_cache.types_followed on type = named
  where named_kind = 'type'
  union all
  select kind, part, 'relation', named, null, null, false, null, null, null
  from named
  where named_kind = 'relation'
  -- Here are the faults.
  union all
  select 'relation', relation, null, null, null, null, false, null, 0, fault from edge_cache.rights_apart
  union all
  select 'relation', oid, null, null, null, null, false, null, null,
    format('%s is %s', oid::regclass,
      case relkind when 'f' then 'a foreign table' when 'S' then 'a sequence' else 'unknown' end)
  from pg_class
  where relkind not in ('r', 'p', 'v', 'm') and oid >= 16384
  union all
  -- (These trees are left out, because nobody else may read what they are of.)
  select 'relation', oid, null, null, null, null, false, null, null,
    format('%s is part of the edge cache itself', oid::regclass)
  from pg_class
  where relnamespace = 'edge_cache'::regnamespace
  union all
  select 'relation', above, null, null, null, null, false, null, null,
    format('%s has a part that is a foreign table', above::regclass)
  from (
    with recursive parts (above, part) as (
      select inhparent, inhrelid from pg_inherits
      union
      select above, inhrelid from parts join pg_inherits on inhparent = part
    )
    select distinct above from parts join pg_class on pg_class.oid = part and relkind = 'f'
  ) as foreign_parts
  union all
  select 'function', oid, null, null, null, null, false, 0, null,
    format('%s may not execute %s', other, oid::regprocedure)
  from pg_proc
  cross join roles
  where proacl is not null
    and has_function_privilege(name, oid, 'execute') and not has_function_privilege(other, oid, 'execute')
  union all
  select calls.kind, node, null, null, null, null, false, null, null,
    format('%s %s',
      coalesce(name, case calls.kind
        when 'type' then format('type %s', node::regtype)
        else format('aggregate %s', node::regprocedure)
      end),
      judged.fault)
  from calls
  join judged using (function)
  left join edge_cache.trees on (trees.kind, part) = (calls.kind, node)
  where judged.fault is not null
  union all
  select named.kind, named.part, null, null, null, null, false, null, null, format('%s %s', name, fault)
  from named
  join edge_cache.trees on (trees.kind, trees.part) = (named.kind, named.part)
  where fault is not null
  union all
  select 'type', type, null, null, null, null, false, null, null, fault
  from edge_cache.types_followed
  where fault is not null;
