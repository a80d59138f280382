insert into public.authors (name) values ('Ada'), ('Grace');

insert into public.articles (title, body, published, author_id) values
  ('First blog', 'Every page view asked the database.', true, 1),
  ('Second blog', 'Then the pages moved to the edge.', true, 2),
  ('Third blog', 'Now the database rests most of the day.', true, 1),
  ('Draft blog', 'Row level security hides this one.', false, 2);
