-- Everything lies in a schema of its own, which only its owner may use. Only the functions that the
-- Worker calls are in `public`, because the API finds them there. Each function's search path names
-- pg_temp last. Otherwise Postgres would search it first, and would take a writer's temporary table for
-- a system catalogue.
create schema if not exists edge_cache;

-- Without pg_net nothing pokes the Worker. But every change is in the outbox, and the Worker finds it there
-- when it asks, within a minute.
do $$
begin
  create extension if not exists pg_net with schema extensions;
exception when others then
  raise warning 'pg_net cannot be enabled (SQLSTATE %). Enable it under Database → Extensions.', sqlstate;
end
$$;

-- Earlier versions installed these. The triggers of the first one ran for each row.
drop function if exists edge_cache.notify() cascade;
drop function if exists edge_cache.send(jsonb), edge_cache.signed(text, jsonb);
drop function if exists edge_cache.hmac(bytea, bytea), edge_cache.touched_query(text, text);
drop function if exists edge_cache.is_told_as_a_whole(text, text);
