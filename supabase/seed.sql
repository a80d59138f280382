insert into public.articles (title, body, published) values
  ('First blog', 'Every page view asked the database.', true),
  ('Second blog', 'Then the pages moved to the edge.', true),
  ('Third blog', 'Now the database rests most of the day.', true),
  ('Draft blog', 'Row level security hides this one.', false);
