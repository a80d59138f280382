-- What a front page shows. With security_invoker, the policies of both tables count.
create view public.headlines with (security_invoker = true) as
  select articles.id, articles.title, authors.name as author
  from public.articles
  left join public.authors on authors.id = articles.author_id;

grant select on public.headlines to anon, authenticated;
grant all on public.headlines to service_role;
