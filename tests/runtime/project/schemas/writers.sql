-- A small library with something of everything that a client may ask for: all sorts of columns,
-- relations, a view, functions. Any value may have any character.
create table public.writers (
  id bigint primary key,
  name text not null,
  country text
);

create table public.books (
  id bigint primary key,
  title text not null,
  subtitle text,
  writer_id bigint references public.writers on delete cascade,
  price numeric(8, 2),
  published_at timestamptz,
  languages text[] not null default '{}',
  details jsonb,
  in_print int4range,
  words tsvector generated always as (to_tsvector('english', title)) stored
);

create table public.tags (
  id bigint primary key,
  name text not null
);

create table public.book_tags (
  book_id bigint not null references public.books on delete cascade,
  tag_id bigint not null references public.tags on delete cascade,
  primary key (book_id, tag_id)
);

-- Some rows everybody may see; others only who wrote them.
create table public.reviews (
  id bigint primary key,
  book_id bigint references public.books on delete cascade,
  stars int not null,
  body text,
  published boolean not null default true,
  owner uuid
);

-- A table that the Worker does not know.
create table public.shelves (
  id bigint primary key,
  room text not null
);

create table agenda.readings (
  id bigint primary key,
  title text not null,
  starts_at timestamptz
);

create view public.recent_books with (security_invoker = on) as
  select id, title, writer_id, published_at from public.books where published_at >= '2000-01-01';

-- Supabase Lite grants every table of its own accord; only what lies elsewhere is refused to anon.
create schema office;
create table office.loans (id bigint primary key, book_id bigint not null);
create view public.loans with (security_invoker = on) as select id, book_id from office.loans;

create function public.search_books(query text, most int default 10) returns setof public.books
  language sql stable
  as $$
    select * from public.books
    where words @@ plainto_tsquery('english', query) order by id limit most
  $$;

create function public.count_books(in_languages text[]) returns bigint
  language sql stable
  as $$ select count(*) from public.books where languages && in_languages $$;

alter table public.writers enable row level security;
alter table public.books enable row level security;
alter table public.tags enable row level security;
alter table public.book_tags enable row level security;
alter table public.reviews enable row level security;
alter table public.shelves enable row level security;
alter table agenda.readings enable row level security;

create policy "Anyone may read writers" on public.writers
  for select to anon, authenticated using (true);
create policy "Anyone may read books" on public.books
  for select to anon, authenticated using (true);
create policy "Anyone may read tags" on public.tags
  for select to anon, authenticated using (true);
create policy "Anyone may read the tags of books" on public.book_tags
  for select to anon, authenticated using (true);
create policy "Anyone may read published reviews" on public.reviews
  for select to anon, authenticated using (published);
create policy "Who wrote a review may do everything with it" on public.reviews
  for all to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
create policy "Anyone may read shelves" on public.shelves
  for select to anon, authenticated using (true);
create policy "Anyone may read readings" on agenda.readings
  for select to anon, authenticated using (true);

grant usage on schema agenda to authenticated;
grant select on public.writers, public.books, public.tags, public.book_tags, public.recent_books,
  public.shelves, agenda.readings to anon, authenticated;
grant select on public.reviews to anon;
grant select, insert, update, delete on public.reviews to authenticated;
grant all on public.writers, public.books, public.tags, public.book_tags, public.reviews,
  public.shelves, agenda.readings to service_role;
grant execute on function public.search_books, public.count_books
  to anon, authenticated, service_role;
