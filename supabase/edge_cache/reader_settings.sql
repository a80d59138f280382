-- Why no answer at all is the same for anon and authenticated: settings of the roles, of the API, or of
-- the search path. No row means that there is no such reason.
create or replace view edge_cache.settings_apart as
  with settings as (
    select coalesce(rolname, '') as role, setdatabase, split_part(setting, '=', 1) as name,
      substr(setting, position('=' in setting) + 1) as value
    from pg_db_role_setting
    left join pg_roles on pg_roles.oid = setrole
    cross join unnest(setconfig) as setting
    where setdatabase in (0, (select oid from pg_database where datname = current_database()))
      and (setrole = 0 or rolname in ('anon', 'authenticated', 'authenticator'))
  ),
  -- Names without a schema are looked up in these. If nothing is set, we take Supabase's own.
  extra_path (schema_name) as (
    select trim(trim(found), '"')
    from (select max(value) as value from settings where name = 'pgrst.db_extra_search_path') as given
    cross join string_to_table(coalesce(value, 'public, extensions'), ',') as found
  )
  select format('the setting %s of anon and that of authenticated differ', name) as fault
  from settings
  where role in ('anon', 'authenticated')
    -- These decide how long a statement may take, what is logged, and how it is run.
    and name not in (
      'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout',
      'transaction_timeout', 'work_mem'
    )
    and name !~ '^(log_|auto_explain\.|pgaudit\.)'
  group by setdatabase, name
  having count(*) = 1 or min(value) <> max(value)
  union all
  -- A function that runs before each request can do anything. Other settings decide who has which role.
  select case name
    when 'pgrst.db_pre_request' then format('%s() runs before each request (pgrst.db_pre_request)', value)
    else format('the setting %s may change who reads what', name)
  end
  from settings
  where name like 'pgrst.%' and value <> ''
    and name !~ '^pgrst\.(openapi|server|log|jwt_cache|db_pool|db_channel)_'
    and name not in (
      'pgrst.db_schemas', 'pgrst.db_schema', 'pgrst.db_extra_search_path', 'pgrst.db_max_rows',
      'pgrst.max_rows', 'pgrst.db_aggregates_enabled', 'pgrst.db_plan_enabled', 'pgrst.db_root_spec',
      'pgrst.db_tx_end', 'pgrst.db_hoisted_tx_settings', 'pgrst.db_prepared_statements',
      'pgrst.db_config', 'pgrst.db_channel', 'pgrst.jwt_secret', 'pgrst.jwt_secret_is_base64',
      'pgrst.jwt_aud'
    )
  union all
  -- The operators and types of a schema are found only by those who may use it. Another search path may be
  -- set outside the database, so each schema with operators counts.
  select format('%s may not use the schema %I',
    case when theirs then 'anon' else 'authenticated' end, nspname)
  from pg_namespace
  cross join lateral (
    select has_schema_privilege('anon', oid, 'usage') as ours,
      has_schema_privilege('authenticated', oid, 'usage') as theirs
  ) as granted
  where ours <> theirs and (
    nspname in (select schema_name from extra_path)
    or oid in (select oprnamespace from pg_operator where pg_operator.oid >= 16384)
    -- The API calls these by name, if a domain has its own form in JSON.
    or oid in (
      select pronamespace from pg_cast join pg_proc on pg_proc.oid = castfunc and castfunc >= 16384
    )
  );
