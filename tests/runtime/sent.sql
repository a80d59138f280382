-- The requests that wait, with their bodies as JSON.
create view net.sent as
  select id, url, headers, convert_from(body, 'UTF8')::jsonb as body, timeout_milliseconds as timeout
  from net.http_request_queue;
