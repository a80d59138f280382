-- The types of keys that are told. Their JSON is the API's spelling whatever the session has set, and
-- runs no code but Postgres's own. Of other types' either is not so: an enum's or a domain's cast to
-- JSON is its owner's function, and would run with the rights of the trigger's owner; an instant is
-- spelled by the writer's time zone, a float by its number of digits.
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

-- The query for how many rows a statement touched, and for their keys, old and new: null if there are
-- more than 100, or one is null or longer than what the Worker serves, or they have more than 32 kB in
-- all, as pg_net hangs above 64 kB. It looks at no more rows than that takes. `key` is the SQL of a
-- column.
create or replace function edge_cache.touched_query(operation text, key text)
  returns text
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- to_jsonb spells a value as the API does. It is compared as a text: as JSON, 1.0 and 1.00 are one.
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
