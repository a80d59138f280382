-- A change's number: 48 random bits, so at most 15 decimal digits. Two equal numbers are practically
-- impossible.
-- A counter would not do: a copy of the project, or a database after a reset, would use the same numbers
-- again, and somebody who sends requests to the Worker could guess them. Nothing depends on the order
-- of numbers. (We do not use random(), because a writer can set its seed.)
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

-- Every change of a watched table, written in the transaction that made it. So a change is here exactly
-- if its transaction commits. If the request about it was lost, the Worker finds the change here later.
create table if not exists edge_cache.outbox (
  id bigint not null default edge_cache.new_number(),
  transaction xid8 not null default pg_current_xact_id(),
  written_at timestamptz not null default clock_timestamp(),
  schema_name text not null,
  table_name text not null,
  key_column text, -- the column that `keys` are values of; null if the table is only watched
  keys jsonb, -- null if any row may have changed
  request bigint, -- pg_net's number of the request that was sent about it
  primary key (transaction, id)
);

-- Whether this transaction has already written down that any row of the table may have changed. Others
-- see everything that it changes at once, when it commits, so one such row in the outbox is enough.
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
