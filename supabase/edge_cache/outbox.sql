-- An earlier version's outbox has other columns. Its rows are not needed, because each run of this script
-- makes all cursors invalid.
do $$
begin
  if to_regprocedure('edge_cache.new_number()') is not null then
    drop table if exists edge_cache.outbox;
    drop function edge_cache.new_number();
  end if;
end
$$;

create sequence if not exists edge_cache.change_numbers;

-- Every change of a watched table, written in the transaction that made it. So a change is here exactly
-- if its transaction commits. A row without a table means that the schema, a policy or a grant changed.
create table if not exists edge_cache.outbox (
  id bigint not null default nextval('edge_cache.change_numbers'),
  transaction xid8 not null default pg_current_xact_id(),
  written_at timestamptz not null default clock_timestamp(),
  schema_name text,
  table_name text,
  key_column text, -- the column that `keys` are values of; null if the table is only watched
  keys json, -- null if any row may have changed
  request bigint, -- pg_net's number of the poke, in the first row of a transaction
  primary key (transaction, id)
);
