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
