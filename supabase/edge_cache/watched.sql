-- The tables whose changes the Worker has to learn of: the declared tables, and what lies below everything
-- that is declared. A part (a partition, or a child) is announced as a change of the whole, because a
-- statement may name either. So what is watched is the whole.
create view edge_cache.targets as
  with recursive declared_tables as (
    select schema_name, declared.name, key_column, atttypid as key_type, pg_class.oid as relation
    from edge_cache.declared
    join pg_namespace on nspname = schema_name
    join pg_class
      on relnamespace = pg_namespace.oid and relname = declared.name and relkind in ('r', 'p')
    left join pg_attribute on attrelid = pg_class.oid and attname = key_column
    where kind in ('table', 'watch')
  ),
  upward (relation) as (
    select relation from edge_cache.reads where relation is not null
    union
    select inhparent from upward join pg_inherits on inhrelid = relation
  )
  select schema_name, name, key_column, key_type from declared_tables
  union all
  select nspname, relname, null, null
  from upward
  join pg_class on pg_class.oid = relation and relkind in ('r', 'p')
  join pg_namespace on pg_namespace.oid = relnamespace
  where relation not in (select inhrelid from pg_inherits)
    and relation not in (select relation from declared_tables);

-- A short text that changes with the functions that announce a table's changes. It is part of their names.
create or replace function edge_cache.mark_of(
  schema_of_it text, name_of_it text, key_column text, key_type oid
)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select left(encode(sha256(convert_to(string_agg(
    edge_cache.announcer(event, schema_of_it, name_of_it, key_column, key_type), '' order by event
  ), 'UTF8')), 'hex'), 16)
  from unnest(array['insert', 'update', 'delete', 'truncate']) as event;
$$;

-- The targets, as they were when the script was last run. Finding them takes too long to do so each time
-- that the Worker asks.
create table if not exists edge_cache.watched (
  schema_name text not null,
  name text not null,
  key_column text,
  mark text not null,
  primary key (schema_name, name)
);

-- Every relation that needs triggers, with the watched table that its changes belong to.
drop view if exists edge_cache.watched_relations cascade;
create view edge_cache.watched_relations as
  with recursive tree as (
    select schema_name, watched.name, mark, pg_class.oid as watched_relation,
      pg_class.oid as relation
    from edge_cache.watched
    join pg_namespace on pg_namespace.nspname = schema_name
    join pg_class on pg_class.relnamespace = pg_namespace.oid and pg_class.relname = watched.name
    where pg_class.relkind in ('r', 'p')
    union
    select tree.schema_name, tree.name, tree.mark, tree.watched_relation, pg_class.oid
    from tree
    join pg_inherits on pg_inherits.inhparent = tree.relation
    join pg_class on pg_class.oid = pg_inherits.inhrelid and pg_class.relkind in ('r', 'p')
  )
  select * from tree;

-- The triggers that each of them should have. They run once for a statement, not for each row.
create view edge_cache.expected_triggers as
  select watched_relations.*, event, transition_tables, format('%s_%s', event, mark) as function_name,
    'edge_cache_' || event
      || case when relation = watched_relation then '' else '_of_' || watched_relation end
      as trigger_name
  from edge_cache.watched_relations
  cross join (
    values
      ('insert', 'referencing new table as new_rows'),
      ('update', 'referencing old table as old_rows new table as new_rows'),
      ('delete', 'referencing old table as old_rows'),
      ('truncate', '')
  ) as events (event, transition_tables);

drop view if exists edge_cache.present_triggers cascade;
create view edge_cache.present_triggers as
  select tgrelid, tgname, proname as function_name, tgenabled in ('O', 'A') as is_enabled
  from pg_trigger
  join pg_proc on pg_proc.oid = tgfoid
  where pronamespace = 'edge_cache'::regnamespace;

-- (With `not in`, Postgres uses a hash table here. With `not exists` it does not, and that takes too
-- long if there are many partitions.)
create view edge_cache.missing_triggers as
  select *,
    -- It is disabled, or has another function.
    (relation, trigger_name::name) in (select tgrelid, tgname from edge_cache.present_triggers) as is_there
  from edge_cache.expected_triggers
  where (relation, trigger_name::name, function_name::name) not in (
    select tgrelid, tgname, present_triggers.function_name
    from edge_cache.present_triggers
    where is_enabled
  );

create view edge_cache.needless_triggers as
  select tgrelid, tgname
  from edge_cache.present_triggers
  where (tgrelid, tgname) not in (
    select relation, trigger_name::name from edge_cache.expected_triggers
  );
