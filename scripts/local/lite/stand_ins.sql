-- What a Supabase project has and neither PGlite nor Supabase Lite: Vault and pg_net. What stands in for
-- them has the shape of supabase_vault 0.3.1 and pg_net 0.20.4, and grants what they grant.
create schema vault;
create table vault.secrets (name text unique, secret text not null, id uuid default gen_random_uuid());
create function vault._crypto_aead_det_decrypt(secret text) returns text language sql immutable
  as 'select secret';
create view vault.decrypted_secrets as
  select id, name, secret, vault._crypto_aead_det_decrypt(secret) as decrypted_secret from vault.secrets;
create function vault.create_secret(new_secret text, new_name text default null) returns uuid
  language sql security definer set search_path = ''
  as 'insert into vault.secrets (name, secret) values (new_name, new_secret) returning id';
create function vault.update_secret(secret_id uuid, new_secret text) returns void
  language sql security definer set search_path = ''
  as 'update vault.secrets set secret = new_secret where id = secret_id';
revoke all on all functions in schema vault from public;
grant usage on schema vault to postgres, service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to postgres, service_role;
grant execute on all functions in schema vault to postgres, service_role;

create schema net;
create unlogged table net.http_request_queue (
  id bigserial, method text not null, url text not null, headers jsonb, body bytea,
  timeout_milliseconds int not null
);
create unlogged table net._http_response (
  id bigint, status_code int, content text, timed_out boolean, error_msg text,
  created timestamptz default now()
);
-- (The time-out is that of earlier versions, so that a test notices if none is given.)
create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}',
  timeout_milliseconds int default 2000
)
  returns bigint
  language sql
as $$
  select pg_notify('net_requests', ''); -- tells what sends the requests, after the commit
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
    values ('POST', url, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds) returning id;
$$;
grant usage on schema net to public;
grant all on all sequences in schema net to public;
grant all on all tables in schema net to public;
