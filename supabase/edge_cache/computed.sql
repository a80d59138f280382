-- The functions that the API shows as columns of a row: `t.f` is `f(t)`.

-- The types of a relation's rows: its own, those of the relations that it inherits from, and the type that
-- a table is made of (CREATE TABLE … OF). A composite type is a relation, too.
drop view if exists edge_cache.computed_columns, edge_cache.row_types, edge_cache.functions_of_one cascade;
create view edge_cache.row_types as
  with recursive ancestors (relation, ancestor) as (
    select oid, oid from pg_class where relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    union
    select relation, inhparent from ancestors join pg_inherits on inhrelid = ancestor
  )
  select distinct relation, type
  from ancestors
  join pg_class on pg_class.oid = ancestor
  cross join unnest(array[reltype, reloftype]) as type
  where type <> 0;

-- The functions that can be called with a single value, and the type of that value.
create view edge_cache.functions_of_one as
  select oid as function, type,
    type in (
      'record'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype, 'anycompatible'::regtype,
      'anycompatiblenonarray'::regtype, '"any"'::regtype
    ) as takes_any_row
  from pg_proc
  cross join lateral (
    select proargtypes[0] as type
    union
    select provariadic where pronargs = 1 -- the type of each element
  ) as types
  where oid >= 16384 and prokind <> 'p' and pronargs > 0 and pronargs - pronargdefaults <= 1 and type <> 0;

create view edge_cache.computed_columns as
  select function, relation
  from edge_cache.functions_of_one
  join edge_cache.row_types using (type)
  union
  select function, relation
  from edge_cache.functions_of_one
  cross join (select distinct relation from edge_cache.row_types) as relations
  where takes_any_row;

-- Each declared function, with the relation or composite type whose rows it returns. That is null if its
-- rows have no such type.
create view edge_cache.returned_rows as
  with recursive returned (function, type) as (
    select pg_proc.oid, prorettype
    from edge_cache.declared
    join pg_proc on proname = name and pronamespace = to_regnamespace(quote_ident(schema_name))
    where kind = 'function'
    union
    select function, typbasetype from returned join pg_type on oid = type and typtype = 'd'
  )
  select function, nullif(typrelid, 0) as relation
  from returned
  join pg_type on oid = type and typtype <> 'd';

-- The computed columns of what declared functions return. Those of relations that the catalogue lists are
-- left out, because the Worker asks for them by the relation.
create view edge_cache.columns_of_functions as
  select returned_rows.function, functions_of_one.function as computed
  from edge_cache.returned_rows
  join edge_cache.functions_of_one
    on takes_any_row or type in (
      select row_types.type from edge_cache.row_types where row_types.relation = returned_rows.relation
    )
  where not exists (
    select
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = relation and relkind <> 'c'
      and nspname in (select schema_name from edge_cache.declared)
  );

-- The relations whose rows Postgres can convert: to a domain, or by a cast. Then functions of yet other
-- types can be columns, and so can the domain itself. We do not follow these.
create view edge_cache.converted_rows as
  with recursive domains (type, base) as (
    select oid, typbasetype from pg_type where typtype = 'd'
    union
    select type, typbasetype from domains join pg_type on oid = base and typtype = 'd'
  )
  select relation, format('%s is a domain of rows of %s', domains.type::regtype, relation::regclass) as fault
  from domains
  join edge_cache.row_types on base = row_types.type
  union
  select relation, format('a cast converts rows of %s to %s', relation::regclass, casttarget::regtype)
  from pg_cast
  join edge_cache.row_types on castsource = type;
