-- A change's number: 48 random bits of 15 decimal digits at most, so that a number that was told
-- before is no other change's. One that counts would be told again by a copy of the project, or after
-- a reset, and could be guessed by who writes to the Worker. Nothing relies on an order of numbers.
-- (Not random(): a writer may set its seed.)
create or replace function edge_cache.new_number()
  returns bigint
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  return ('x' || right(gen_random_uuid()::text, 12))::bit(48)::bigint;
end
$$;

-- Every change that is to be told of, written in the transaction that made it. So it is there exactly
-- if that commits, and what a request failed to tell can be asked for later.
create table if not exists edge_cache.outbox (
  id bigint not null default edge_cache.new_number(),
  transaction xid8 not null default pg_current_xact_id(),
  written_at timestamptz not null default clock_timestamp(),
  schema_name text not null,
  table_name text not null,
  key_column text, -- whose values the keys are; null: the table is watched only
  keys jsonb, -- null: any row may have changed
  request bigint, -- pg_net's number of the request that told it
  primary key (transaction, id)
);

-- Whether this transaction has told already that any row of the table may have changed. All that it
-- changes is seen at once, so there is no more to tell.
create or replace function edge_cache.is_told_as_a_whole(schema_of_it text, name_of_it text)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from edge_cache.outbox
    where transaction = pg_current_xact_id()
      and (schema_name, table_name) = (schema_of_it, name_of_it)
      and keys is null
  );
end
$$;
