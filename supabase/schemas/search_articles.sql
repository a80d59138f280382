-- STABLE, so its answers may be cached. The database knows what it reads, because it is `begin atomic`.
create function public.search_articles(words text)
  returns setof public.articles
  language sql
  stable
begin atomic
  select * from public.articles
  where title ilike '%' || words || '%' or body ilike '%' || words || '%'
  order by id;
end;
