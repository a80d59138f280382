-- What a Supabase project has and neither PGlite nor Supabase Lite: Vault and pg_net. Tables of the same
-- shape stand in for them.
create schema vault;
create table vault.secrets (name text, secret text);
create view vault.decrypted_secrets as select name, secret as decrypted_secret from vault.secrets;

create schema net;
create table net.sent (
  id bigint generated always as identity, url text, headers jsonb, body jsonb, timeout int
);
create table net._http_response (
  id bigint, status_code int, content text, timed_out boolean, error_msg text,
  created timestamptz default now()
);
create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}',
  timeout_milliseconds int default 5000
)
  returns bigint
  language sql
as $$
  insert into net.sent (url, headers, body, timeout)
    values (url, headers, body, timeout_milliseconds) returning id;
$$;
