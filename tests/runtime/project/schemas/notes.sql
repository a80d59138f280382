-- Rows whose ids are text, for ids with reserved characters.
create table public.notes (
  id text primary key,
  title text not null
);

alter table public.notes enable row level security;
create policy "Anyone may read notes" on public.notes for select to anon using (true);
grant select on public.notes to anon;
grant all on public.notes to service_role;

-- And rows whose ids are UUIDs.
create table public.documents (
  id uuid primary key,
  title text not null
);

alter table public.documents enable row level security;
create policy "Anyone may read documents" on public.documents for select to anon using (true);
grant select on public.documents to anon;
grant all on public.documents to service_role;
