-- Whether a change names its keys, which depends on their type. It does for types whose JSON is the
-- API's spelling under all settings of the session, and whose conversion runs only Postgres's own code.
-- Other types lack one of the two. The cast of an enum or a domain to JSON may be a function of its
-- owner, and would run with the rights of the trigger's owner. The JSON of a timestamptz depends on the
-- writer's time zone, that of a float on extra_float_digits.
create or replace function edge_cache.is_told(type oid)
  returns boolean
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return type in (
    'pg_catalog.int2'::regtype, 'pg_catalog.int4'::regtype, 'pg_catalog.int8'::regtype,
    'pg_catalog.numeric'::regtype, 'pg_catalog.text'::regtype, 'pg_catalog.varchar'::regtype,
    'pg_catalog.bpchar'::regtype, 'pg_catalog.uuid'::regtype, 'pg_catalog.date'::regtype,
    'pg_catalog.timestamp'::regtype
  );
end
$$;

-- Returns a query that counts the rows that a statement touched, and collects their keys, old and new.
-- The keys are null if there are more than 100, if one is null, if one is longer than the Worker serves,
-- or if they have more than 32 kB in all, because pg_net hangs above 64 kB. The query reads only as many
-- rows as it needs to decide this. `key` is the SQL of a column.
create or replace function edge_cache.touched_query(operation text, key text)
  returns text
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- to_jsonb spells a value as the API does. We compare the text, because as JSON 1.0 and 1.00 are equal.
  some_of constant text := format(
    '(select to_jsonb(%s)::text as key from %%s limit 101)', replace(key, '%', '%%')
  );
  touched constant text := case operation
    when 'INSERT' then format(some_of, 'new_rows')
    when 'DELETE' then format(some_of, 'old_rows')
    else format(some_of || ' union all ' || some_of, 'old_rows', 'new_rows')
  end;
begin
  return format(
    'select count(*), case
        when count(*) <= %s and count(distinct key) <= 100 and count(key) = count(*)
          and max(length(key)) <= 2000 and octet_length(string_agg(distinct key, '', '')) <= 32000
        then (''['' || string_agg(distinct key, '', '') || '']'')::jsonb
      end
      from (%s) as touched',
    case operation when 'UPDATE' then 200 else 100 end, touched
  );
end
$$;
