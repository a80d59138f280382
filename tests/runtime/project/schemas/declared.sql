-- A project with something of everything that can be declared.
create table public.notices (
  slug text primary key,
  body text not null
);
alter table public.notices enable row level security;
create policy "Anyone may read notices" on public.notices for select to anon using (true);
grant select on public.notices to anon;

-- Whose name stands in no path, and whose key is a parameter of PostgREST's.
create table public."Odd Posts" ("order" text primary key);
alter table public."Odd Posts" enable row level security;
create policy "Anyone may read them" on public."Odd Posts" for select to anon using (true);
grant select on public."Odd Posts" to anon;

-- Which is only watched, and nobody may read.
create table public."Hidden Läden" (id int primary key);

-- Whose key is none.
create table public.twins (id int not null, name text not null);
alter table public.twins enable row level security;
create policy "Anyone may read twins" on public.twins for select to anon using (true);
grant select on public.twins to anon;

create view public.titles with (security_invoker = on) as select id, title from public.articles;
grant select on public.titles to anon;

create function public.latest_title() returns text language sql stable
  begin atomic select title from public.articles order by id desc limit 1; end;
create function public.titles_like(pattern text) returns setof text language sql stable
  begin atomic select title from public.articles where title like pattern; end;
grant execute on function public.latest_title, public.titles_like to anon;
