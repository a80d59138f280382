-- What src/tables.toml declares. Each run of the script creates this table again, so it
-- never holds more than that. `cascade` drops the views that read it; they are created again below.
drop table if exists edge_cache.declared cascade;

create table edge_cache.declared (
  kind text not null check (kind in ('table', 'watch', 'view', 'function')),
  schema_name text not null,
  name text not null,
  key_column text, -- null if its rows have no paths
  reads jsonb, -- [[schema, name], …] of a function; null if it does not say what it reads
  primary key (schema_name, name, kind) -- a function and a table may have the same name
);
