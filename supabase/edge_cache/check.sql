-- An earlier version's function may return other columns, and `create or replace` cannot change those.
drop function if exists edge_cache.check();
drop function if exists edge_cache.findings_of_requests();

-- Whether the Worker can be poked, and whether the pokes of the last hours failed. pg_net keeps its answers
-- for some hours only.
create or replace function edge_cache.findings_of_requests()
  returns table (severity text, object text, finding text, advice text)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select 'error', 'Vault', format('%s is missing or empty, %s', entry, effect),
      format('Run select vault.create_secret(''…'', %L), or vault.update_secret if it is there.', entry)
    from (
      values
        ('edge_cache_url', 'so the Worker learns of each change late.'),
        ('edge_cache_secret', 'so the Worker may not read the outbox.')
    ) as entries (entry, effect)
    where edge_cache.vault_entry(entry) is null;
  if to_regclass('net._http_response') is null then
    return query select 'error', 'pg_net', 'It is not enabled, so the Worker learns of each change late.',
      'Enable it under Database → Extensions.';
    return;
  end if;
  return query
    select 'error', 'net.http_request_queue',
      format('Its trigger %I would run %s with the rights of the role that ran the script, so the Worker '
        'learns of each change late.', name, function::regprocedure),
      format('If nobody needs it, let %I or a superuser run: drop function %s cascade;',
        pg_get_userbyid(proowner), function::regprocedure)
    from edge_cache.triggers_on_queue()
    join pg_proc on pg_proc.oid = function;
  return query
    select 'warning', 'edge_cache_url',
      format('%s of the latest pokes failed (%s).', count(*), coalesce(
        'status ' || status_code, case when timed_out then 'no answer in time' end, 'no connection'
      )),
      'Compare edge_cache_url in Vault with the Worker''s address, and read the Worker''s log.'
    from net._http_response
    join edge_cache.outbox on request = _http_response.id
      and created - written_at < interval '1 hour' -- because pg_net may count from 1 again after a crash
    where status_code >= 300 or status_code is null
    group by status_code, timed_out;
end
$$;

-- Everything that is wrong ('error'), or that can change without the Worker noticing ('warning'), and
-- what to do about it. Last comes what each declared object is to readers who are signed in ('info').
create or replace function edge_cache.check()
  returns table (severity text, object text, finding text, advice text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
  set jit = off -- compiling would take longer than running
as $$
  select *
  from (
    select 'error' as severity, * from edge_cache.findings_of_declared
    union all select 'error', * from edge_cache.findings_of_triggers
    union all select 'warning', * from edge_cache.findings_of_leftovers
    union all select 'error', * from edge_cache.findings_of_keys
    union all select 'error', * from edge_cache.findings_of_access
    union all select 'warning', * from edge_cache.findings_of_reads
    union all select 'warning', * from edge_cache.findings_of_request_settings
    union all select 'warning', * from edge_cache.findings_of_ddl
    union all select * from edge_cache.findings_of_requests()
    union all select 'info', * from edge_cache.findings_of_readers
  ) as findings
  order by severity = 'info', severity, object, finding;
$$;

create or replace function public.edge_cache_check(secret text)
  returns json
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform edge_cache.require_secret(secret);
  return (select coalesce(json_agg(findings), '[]') from edge_cache.check() as findings);
end
$$;

revoke all on function public.edge_cache_check(text) from public;
grant execute on function public.edge_cache_check(text) to anon, authenticated;
