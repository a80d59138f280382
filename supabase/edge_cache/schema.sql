-- Everything lies in a schema of its own, which only its owner may use. Only the functions that the
-- Worker calls are in `public`, because the API finds them there. Each function's search path names
-- pg_temp last. Otherwise Postgres would search it first, and would take a writer's temporary table for
-- a system catalogue.
create schema if not exists edge_cache;

-- Without pg_net no change is sent to the Worker. But every change is still in the outbox, and the Worker
-- finds it there the next time it asks.
do $$
begin
  create extension if not exists pg_net with schema extensions;
exception when others then
  raise warning 'pg_net cannot be enabled (SQLSTATE %). Enable it under Database → Extensions.', sqlstate;
end
$$;

-- An earlier version installed this function, and triggers that ran for each row.
drop function if exists edge_cache.notify() cascade;
