insert into public.authors (name) values ('Ada'), ('Grace');
