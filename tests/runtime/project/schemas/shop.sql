-- A shop: what everybody may see, what only members may see, and what is somebody's own.
create table public.items (
  id bigint primary key,
  name text not null,
  price numeric(8, 2) not null,
  listed boolean not null default true,
  seller uuid
);

create table public.categories (
  id bigint primary key,
  name text not null
);

create table public.item_categories (
  item_id bigint not null references public.items on delete cascade,
  category_id bigint not null references public.categories on delete cascade,
  primary key (item_id, category_id)
);

create table public.offers (
  id bigint primary key,
  item_id bigint not null references public.items on delete cascade,
  percent int not null,
  for_members boolean not null
);

create table public.cart_lines (
  id bigint primary key,
  owner uuid not null default auth.uid(),
  item_id bigint not null references public.items on delete cascade,
  quantity int not null default 1
);

create view public.bargains with (security_invoker = on) as
  select id, name, price from public.items where price < 5;

create function public.search_items(query text, at_most numeric default 1000)
  returns setof public.items language sql stable
  begin atomic
    select * from public.items
    where name ilike '%' || query || '%' and price <= at_most order by id;
  end;

create function public.cart_total() returns numeric language sql stable
  begin atomic
    select coalesce(sum(price * quantity), 0)
    from public.cart_lines join public.items on items.id = item_id;
  end;

alter table public.items enable row level security;
alter table public.categories enable row level security;
alter table public.item_categories enable row level security;
alter table public.offers enable row level security;
alter table public.cart_lines enable row level security;

create policy "Anyone may read listed items" on public.items
  for select to anon, authenticated using (listed);
create policy "Anyone may read categories" on public.categories
  for select to anon, authenticated using (true);
create policy "Anyone may read the categories of items" on public.item_categories
  for select to anon, authenticated using (true);
create policy "Anyone may read some offers" on public.offers
  for select to anon using (not for_members);
create policy "Members may read all offers" on public.offers
  for select to authenticated
  using (not for_members or (auth.jwt() ->> 'is_anonymous') is distinct from 'true');
create policy "A cart is its owner's" on public.cart_lines
  for all to authenticated using (owner = auth.uid()) with check (owner = auth.uid());

grant select on public.items, public.categories, public.item_categories, public.offers,
  public.bargains to anon, authenticated;
grant select on public.cart_lines to anon;
grant select, insert, update, delete on public.cart_lines to authenticated;
grant all on public.items, public.categories, public.item_categories, public.offers,
  public.cart_lines to service_role;
grant execute on function public.search_items, public.cart_total
  to anon, authenticated, service_role;
