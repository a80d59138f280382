-- Every relation that needs triggers, with the declared table that its changes belong to. These are the
-- declared tables and their partitions, because a statement that names a partition fires only the
-- triggers of that partition.
create view edge_cache.watched as
  with recursive tree as (
    select kind, schema_name, declared.name, key_column, pg_class.oid as declared_relation, pg_class.oid as relation
    from edge_cache.declared
    join pg_namespace on pg_namespace.nspname = declared.schema_name
    join pg_class on pg_class.relnamespace = pg_namespace.oid and pg_class.relname = declared.name
    where declared.kind in ('table', 'watch') and pg_class.relkind in ('r', 'p')
    union
    select tree.kind, tree.schema_name, tree.name, tree.key_column, tree.declared_relation,
      pg_class.oid
    from tree
    join pg_inherits on pg_inherits.inhparent = tree.relation
    join pg_class on pg_class.oid = pg_inherits.inhrelid and pg_class.relkind in ('r', 'p')
  )
  select * from tree;

-- The triggers that each of them should have. They run once for a statement, not for each row.
create view edge_cache.expected_triggers as
  select watched.*, event, transition_tables,
    'edge_cache_' || event
      || case when relation = declared_relation then '' else '_of_' || declared_relation end
      as trigger_name,
    -- In the form in which pg_trigger stores them: each ends with a zero byte.
    convert_to(schema_name, getdatabaseencoding()) || '\x00'
      || convert_to(name, getdatabaseencoding()) || '\x00'
      || convert_to(coalesce(key_column, ''), getdatabaseencoding()) || '\x00' as arguments
  from edge_cache.watched
  cross join (
    values
      ('insert', 'referencing new table as new_rows'),
      ('update', 'referencing old table as old_rows new table as new_rows'),
      ('delete', 'referencing old table as old_rows'),
      ('truncate', '')
  ) as events (event, transition_tables);

-- (With `not in`, Postgres uses a hash table here. With `not exists` it does not, and that takes too
-- long if there are many partitions.)
create view edge_cache.missing_triggers as
  select * from edge_cache.expected_triggers
  where (relation, trigger_name::name, arguments) not in (
    select tgrelid, tgname, tgargs
    from pg_trigger
    where tgfoid = 'edge_cache.announce()'::regprocedure and tgenabled in ('O', 'A')
  );

create view edge_cache.needless_triggers as
  select tgrelid, tgname
  from pg_trigger
  where tgfoid = 'edge_cache.announce()'::regprocedure
    and (tgrelid, tgname) not in (
      select relation, trigger_name::name from edge_cache.expected_triggers
    );
