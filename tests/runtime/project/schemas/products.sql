-- Rows named by another column than `id`.
create table public.products (
  sku text primary key,
  name text not null
);

alter table public.products enable row level security;
create policy "Anyone may read products" on public.products for select to anon using (true);
grant select on public.products to anon;
grant all on public.products to service_role;

-- And rows of another schema than `public`.
create schema agenda;

create table agenda.events (
  slug text primary key,
  title text not null
);

alter table agenda.events enable row level security;
create policy "Anyone may read events" on agenda.events for select to anon using (true);
grant usage on schema agenda to anon, service_role;
grant select on agenda.events to anon;
grant all on agenda.events to service_role;

-- One of them is called as one of `public` is.
create table agenda.products (
  sku text primary key,
  name text not null
);

alter table agenda.products enable row level security;
create policy "Anyone may read products" on agenda.products for select to anon using (true);
grant select on agenda.products to anon;
grant all on agenda.products to service_role;
