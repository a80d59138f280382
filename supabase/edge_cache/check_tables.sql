-- What is wrong with tables that exist: their triggers, their keys, and who may read them.
create view edge_cache.findings_of_triggers as
  select relation::regclass::text as object,
    format('It has no enabled trigger for %s.', string_agg(event, ', ' order by event))
      as finding,
    case when has_table_privilege(relation, 'trigger')
      then 'Run the script of "npm run --silent sql" again.'
      else format('Let %I run: grant trigger on %s to %I; and run the script again.',
        pg_get_userbyid(relowner), relation::regclass, current_user)
    end as advice
  from edge_cache.missing_triggers
  join pg_class on pg_class.oid = relation
  group by relation, relowner
  union all
  select format('%I.%I', schema_name, targets.name),
    case when mark is null then 'It is declared, or read by what is declared, but is not watched.'
      else 'Its key column or the type of that has changed, so its changes name no keys.'
    end,
    'Run the script of "npm run --silent sql" again.'
  from edge_cache.targets
  left join edge_cache.watched using (schema_name, name)
  where mark is distinct from
    edge_cache.mark_of(schema_name, targets.name, targets.key_column, key_type);

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
    select format('%I.%I', schema_name, declared.name) as object, pg_class.oid as relation, key_column,
      attnum, attnotnull
    from edge_cache.declared
    join pg_namespace on nspname = schema_name
    join pg_class
      on relnamespace = pg_namespace.oid and relname = declared.name and relkind in ('r', 'p')
    left join pg_attribute on attrelid = pg_class.oid and attname = key_column
    where kind = 'table'
  )
  select object, format('Its declared key is %I, but it has no such column.', key_column) as finding,
    'Declare a unique column as its key in src/tables.toml, and run the script of "npm run --silent sql" again.'
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
      pg_class.oid::regclass) as advice
  from edge_cache.declared
  join pg_namespace on nspname = schema_name
  join pg_class on relnamespace = pg_namespace.oid and relname = name and relkind in ('r', 'p')
  where declared.kind = 'table' and not relrowsecurity
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

-- (The `cascade` above did not drop this view, because it does not read edge_cache.declared.)
drop view if exists edge_cache.findings_of_ddl;
create view edge_cache.findings_of_ddl as
  select 'event triggers' as object,
    'A change of the schema, of a policy or of a grant reaches the Worker only within a minute, because '
      'the event triggers are missing or disabled.' as finding,
    'Let a role that may create event triggers run the script, or wait a minute after such a change.'
      as advice
  where 2 > (
    select count(*)
    from pg_event_trigger
    where evtname in ('edge_cache_ddl', 'edge_cache_drop') and evtenabled in ('O', 'A')
  );
