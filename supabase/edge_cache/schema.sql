-- Everything lies in a schema of its own that nobody but the owner may look into. Only the functions
-- that the Worker calls are in `public`, where the API finds them. The search path of each names
-- pg_temp last: unnamed it comes first, and a writer's temporary table would be taken for a catalogue.
create schema if not exists edge_cache;

-- Without pg_net no change is announced, but all are still written down, and the Worker finds them
-- there at its next look.
do $$
begin
  create extension if not exists pg_net with schema extensions;
exception when others then
  raise warning 'pg_net cannot be enabled (%): enable it under Database → Extensions', sqlstate;
end
$$;

-- What an earlier version installed: a function, and a trigger for each row of each table.
drop function if exists edge_cache.notify() cascade;
