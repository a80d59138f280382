-- Which functions give every reader the same for the same arguments.
--
-- IMMUTABLE ones do. That is what the word promises, and we believe it, as Postgres does when it puts
-- their results into an index. (Bodies that the database understands are read all the same.) VOLATILE ones
-- do not. Of the STABLE ones, these do:
drop view if exists edge_cache.stable_functions cascade;
create view edge_cache.stable_functions as
  select oid as function
  from pg_proc
  where pronamespace = 'pg_catalog'::regnamespace and oid < 16384 and provolatile = 's' and (
    proname in (
      -- The time is the same for every reader, and an entry's maximum age bounds how old it gets.
      'now', 'statement_timestamp', 'transaction_timestamp',
      -- These look at a setting: at TimeZone, DateStyle, IntervalStyle, the locale, or the default
      -- configuration of text search. settings_apart() makes sure that both roles have the same.
      'age', 'date', 'date_add', 'date_part', 'date_subtract', 'date_trunc',
      'extract', 'generate_series', 'in_range', 'interval_pl_timestamptz', 'jsonb_path_exists_tz',
      'jsonb_path_match_tz', 'jsonb_path_query_array_tz', 'jsonb_path_query_first_tz',
      'jsonb_path_query_tz', 'json_to_tsvector', 'jsonb_to_tsvector', 'make_timestamptz', 'money',
      'numeric', 'overlaps', 'phraseto_tsquery', 'plainto_tsquery', 'time', 'timestamp', 'timestamptz',
      'timestamptz_mi_interval', 'timestamptz_pl_interval', 'timetz', 'timezone', 'to_char', 'to_date',
      'to_number', 'to_timestamp', 'to_tsquery', 'to_tsvector', 'ts_headline', 'websearch_to_tsquery',
      -- These print a value of any type, or read it from a text. That looks at such settings, and at
      -- what the type itself calls, which is followed.
      'anytextcat', 'array_to_json', 'array_to_string', 'concat', 'concat_ws', 'format', 'json_agg',
      'json_agg_strict', 'json_build_array', 'json_build_object', 'json_object_agg',
      'json_object_agg_strict', 'json_object_agg_unique', 'json_object_agg_unique_strict',
      'json_populate_record', 'json_populate_recordset', 'json_to_record', 'json_to_recordset',
      'jsonb_agg', 'jsonb_agg_strict', 'jsonb_build_array', 'jsonb_build_object', 'jsonb_object_agg',
      'jsonb_object_agg_strict', 'jsonb_object_agg_unique', 'jsonb_object_agg_unique_strict',
      'jsonb_populate_record', 'jsonb_populate_record_valid', 'jsonb_populate_recordset',
      'jsonb_to_record', 'jsonb_to_recordset', 'quote_literal', 'quote_nullable', 'row_to_json',
      'textanycat', 'to_json', 'to_jsonb',
      -- These look at the encoding, at the order of an enum's values, or at the database's name.
      'convert', 'convert_from', 'convert_to', 'current_database', 'enum_first', 'enum_last', 'enum_range',
      'length'
    )
    -- Dates and times are compared in the time zone.
    or proname ~ '^(date|timestamp)_(eq|ne|lt|le|gt|ge|cmp)_timestamptz$'
    or proname ~ '^timestamptz_(eq|ne|lt|le|gt|ge|cmp)_(date|timestamp)$'
  )
  union all
  -- A dictionary, and a threshold that is a setting.
  select pg_proc.oid
  from pg_proc
  join pg_depend on classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e'
  join pg_extension on pg_extension.oid = refobjid and extname in ('pg_trgm', 'unaccent')
  where refclassid = 'pg_extension'::regclass and provolatile = 's';

-- What is wrong with a call of a function, as the end of a sentence. It is null if the call is harmless,
-- or if what the function names has to be followed. A view or a policy that calls it is what the
-- sentence begins with.
create view edge_cache.judged_functions as
  select oid as function,
    case
      when exists (
        select from unnest(proconfig) as setting where setting ~ '^(role|session_authorization)='
      ) then format('calls %s, which changes the role', oid::regprocedure)
      when pronamespace = to_regnamespace('auth') then format('looks at %s', oid::regprocedure)
      when provolatile = 'v' then format('calls %s, which is volatile', oid::regprocedure)
      when provolatile = 'i' or prosqlbody is not null then null
      when oid in (select function from edge_cache.stable_functions) then null
      when proname = 'current_setting' and oid < 16384 then format('looks at %s', oid::regprocedure)
      when oid < 16384 then format('calls %s, which may look at who asks', oid::regprocedure)
      else format('calls %s, whose body the database does not know', oid::regprocedure)
    end as fault,
    prosqlbody is not null or proacl is not null or oid >= 16384
      and (proargdefaults is not null or prokind = 'a') as is_followed
  from pg_proc;
