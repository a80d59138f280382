-- A name that stands in no path as it is, and a key that PostgREST has a parameter of the same name as.
create table public."Blog Posts" (
  "order" text primary key,
  title text not null
);

alter table public."Blog Posts" enable row level security;
create policy "Anyone may read posts" on public."Blog Posts" for select to anon using (true);
grant select on public."Blog Posts" to anon;
grant all on public."Blog Posts" to service_role;
