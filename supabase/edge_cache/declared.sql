-- What [vars.TABLES] in wrangler.toml declares. The table is made anew each time, so that it never
-- has more than that; the views that read it are made anew below.
drop table if exists edge_cache.declared cascade;

create table edge_cache.declared (
  kind text not null check (kind in ('table', 'watch', 'view', 'function')),
  schema_name text not null,
  name text not null,
  key_column text, -- of what is served row by row
  primary key (schema_name, name, kind) -- a function may be called as a table is
);
