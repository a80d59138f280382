-- What this script creates runs with the rights of the role that runs it. So the script stops if an
-- object with one of its names belongs to another role.
do $$
declare
  foreign_object text;
  its_owner name;
begin
  select object, pg_get_userbyid(owner) into foreign_object, its_owner
  from (
    select 'schema edge_cache', nspowner from pg_namespace where nspname = 'edge_cache'
    union all
    select format('relation %s', oid::regclass), relowner
    from pg_class
    where relnamespace = to_regnamespace('edge_cache')
    union all
    select format('function %s', oid::regprocedure), proowner
    from pg_proc
    where pronamespace = to_regnamespace('edge_cache')
      or (pronamespace = to_regnamespace('public')
        and proname in (
          'edge_cache_catalogue', 'edge_cache_changes', 'edge_cache_check', 'edge_cache_snapshot'
        ))
    union all
    select format('event trigger %I', evtname), evtowner
    from pg_event_trigger
    where evtname in ('edge_cache_ddl', 'edge_cache_drop')
  ) as present (object, owner)
  where owner <> to_regrole(quote_ident(current_user))
  limit 1;
  if found then
    raise insufficient_privilege using
      message = format('The %s belongs to %s, but %s runs this script. Nothing was changed.',
        foreign_object, its_owner, current_user),
      hint = format('Look at it first. If it is yours, run this script as %s. If not, let %s or a superuser '
        'drop it, and run the script again.', its_owner, its_owner);
  end if;
end
$$;

-- So they do not tell of what this script does. It creates them again at its end.
drop event trigger if exists edge_cache_ddl;
drop event trigger if exists edge_cache_drop;
