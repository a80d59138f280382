-- The functions that the API shows as columns of a relation: `t.f` is `f(t)`.
drop view if exists edge_cache.computed_columns cascade;
create view edge_cache.computed_columns as
  with recursive row_types as (
    select oid as relation, reltype, oid as ancestor
    from pg_class
    where relkind in ('r', 'p', 'v', 'm', 'f') and oid >= 16384
    union
    select relation, pg_class.reltype, inhparent
    from row_types
    join pg_inherits on inhrelid = ancestor
    join pg_class on pg_class.oid = inhparent
  ),
  candidates as (
    select oid as function, proargtypes[0] as type
    from pg_proc
    where oid >= 16384 and prokind = 'f' and pronargs > 0 and pronargs - pronargdefaults <= 1
  )
  select function, relation
  from candidates
  join row_types on type = reltype
  union
  select function, relation
  from candidates
  cross join row_types
  where type in (
    'record'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype, 'anycompatible'::regtype,
    'anycompatiblenonarray'::regtype, '"any"'::regtype
  );
