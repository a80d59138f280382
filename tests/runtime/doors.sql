-- Doors for a test that has only the API: running any statement, and taking what pg_net would send.
create function public.run(statements text) returns void language plpgsql security definer as $$
begin
  execute statements;
end
$$;

create function public.take_sent() returns json language sql security definer as $$
  with taken as (
    delete from net.http_request_queue returning id, url, headers, convert_from(body, 'UTF8') as body
  )
  select coalesce(json_agg(taken order by id), '[]') from taken;
$$;

revoke all on function public.run(text), public.take_sent() from public;
grant execute on function public.run(text), public.take_sent() to service_role;
