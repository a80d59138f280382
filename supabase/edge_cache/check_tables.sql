-- What is wrong with declared tables that exist: their triggers, their keys, and who may read them.
create view edge_cache.findings_of_triggers as
  select relation::regclass::text as object,
    format('It has no enabled trigger for %s.', string_agg(event, ', ' order by event))
      as finding,
    'Run the script of "npm run --silent sql" again.' as advice
  from edge_cache.missing_triggers
  group by relation
  union all
  select relation::regclass::text,
    format('It is a part of %s. A statement that names %s does not fire the triggers of this part.',
      inhparent::regclass, inhparent::regclass),
    'Declare the whole table, and serve this part through a view.'
  from edge_cache.watched
  join pg_inherits on inhrelid = relation
  where relation = declared_relation;

-- Triggers of tables that are no longer declared. The role that ran the script may not drop them.
create view edge_cache.findings_of_leftovers as
  select tgrelid::regclass::text as object,
    format('It still has triggers that it does not need (%s).', string_agg(tgname, ', ' order by tgname))
      as finding,
    format('Its owner is %s. Run this as that role: %s', pg_get_userbyid(relowner), string_agg(
      format('drop trigger %I on %s;', tgname, tgrelid::regclass), ' ' order by tgname
    )) as advice
  from edge_cache.needless_triggers
  join pg_class on pg_class.oid = tgrelid
  group by tgrelid, relowner;

create view edge_cache.findings_of_keys as
  with served as (
    select format('%I.%I', schema_name, name) as object, relation, key_column, attnum, attnotnull
    from edge_cache.watched
    left join pg_attribute on attrelid = relation and attname = key_column
    where kind = 'table' and relation = declared_relation
  )
  select object, format('Its declared key is %I, but it has no such column.', key_column) as finding,
    'Declare a unique column as its key in [vars.TABLES], and run the script of "npm run --silent sql" again.'
      as advice
  from served where attnum is null
  union all
  select object, format('Its key %I may be null. A row whose key is null has no path.', key_column),
    format('Run: alter table %s alter column %I set not null;', object, key_column)
  from served where not attnotnull
  union all
  select object, format('Its key %I has no unique index of its own.', key_column),
    format('Declare a unique column as its key, or run: alter table %s add unique (%I);',
      object, key_column)
  from served
  where attnum is not null and not exists (
    select from pg_index
    where indrelid = relation and indisunique and indisvalid and indpred is null
      and indnkeyatts = 1 and indkey[0] = attnum
  );

create view edge_cache.findings_of_access as
  select format('%I.%I', schema_name, name) as object,
    'Row level security is off, so the public key may read every row.' as finding,
    format('Run alter table %s enable row level security; and add a policy that shows what is public.',
      relation::regclass) as advice
  from edge_cache.watched
  join pg_class on pg_class.oid = relation
  where watched.kind = 'table' and relation = declared_relation and not relrowsecurity
  union all
  select format('%I.%I', schema_name, name),
    case when is_partly_granted
      then 'The role anon may read only some of its columns, so it is not served as a whole.'
      else 'The role anon may not read it, so it is not served.'
    end,
    case when is_partly_granted
      then 'Declare a view of these columns. A grant on the whole table would publish the others.'
      else format('Run grant select on %I.%I to anon; and grant usage on its schema.', schema_name, name)
    end
  from edge_cache.declared
  join pg_namespace on nspname = schema_name
  join pg_class on relnamespace = pg_namespace.oid and relname = name
  cross join lateral (
    select has_any_column_privilege('anon', pg_class.oid, 'select')
      and not has_table_privilege('anon', pg_class.oid, 'select') as is_partly_granted
  ) as granted
  where declared.kind in ('table', 'view') and relkind in ('r', 'p', 'v', 'm', 'f') and not (
    has_schema_privilege('anon', pg_namespace.oid, 'usage')
    and has_table_privilege('anon', pg_class.oid, 'select')
  );
