-- What is wrong with declared tables that are there: triggers, keys, and who may read them.
create view edge_cache.findings_of_triggers as
  select relation::regclass::text as object,
    format('It lacks triggers that are enabled (%s).', string_agg(event, ', ' order by event))
      as finding,
    'Run the script of "npm run --silent sql" again.' as advice
  from edge_cache.missing_triggers
  group by relation
  union all
  select relation::regclass::text,
    format('It is a part of %s, and a statement that names that one fires none of its triggers.',
      inhparent::regclass),
    'Declare the whole, and serve this part through a view.'
  from edge_cache.watched
  join pg_inherits on inhrelid = relation
  where relation = declared_relation;

-- Triggers of tables that are not declared any more, which whoever ran the script may not drop.
create view edge_cache.findings_of_leftovers as
  select tgrelid::regclass::text as object,
    format('It still has triggers, and needs none (%s).', string_agg(tgname, ', ' order by tgname))
      as finding,
    format('Have %s drop them, who owns it: %s', pg_get_userbyid(relowner), string_agg(
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
  select object, format('It has no column %I, its declared key.', key_column) as finding,
    'Name a unique column as its key in [vars.TABLES], and run the script of "npm run --silent sql" again.'
      as advice
  from served where attnum is null
  union all
  select object, format('Its key %I may be null, and such a row has no address.', key_column),
    format('alter table %s alter column %I set not null', object, key_column)
  from served where not attnotnull
  union all
  select object, format('Its key %I is not unique by itself.', key_column),
    format('Name a unique column as its key, or add one: alter table %s add unique (%I)',
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
    format('alter table %s enable row level security, with a policy for what is public.',
      relation::regclass) as advice
  from edge_cache.watched
  join pg_class on pg_class.oid = relation
  where watched.kind = 'table' and relation = declared_relation and not relrowsecurity
  union all
  select format('%I.%I', schema_name, name),
    case when is_partly_granted
      then 'The role anon may read some of its columns only, so it is not served as a whole.'
      else 'The role anon may not read it, so it is not served.'
    end,
    case when is_partly_granted
      then 'Declare a view of these columns: a grant on the whole would publish the others.'
      else format('grant select on %I.%I to anon, and usage on its schema.', schema_name, name)
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
