-- Readers without a session have the role anon, those who are signed in have authenticated. Here is where
-- Postgres itself treats these two differently: grants, and row level security.

-- The roles that tables are read as. A view reads as its owner, and so does SECURITY DEFINER.
drop view if exists edge_cache.reading_roles cascade;
create view edge_cache.reading_roles as
  select oid as role, rolname as name, rolsuper or rolbypassrls as is_above_policies
  from pg_roles
  where rolname in ('anon', 'authenticated') or oid in (
    select relowner from pg_class where relkind = 'v' and oid >= 16384
    union
    select proowner from pg_proc where prosecdef and oid >= 16384
  );

-- The tables whose rows are chosen by policies if such a role reads them.
create view edge_cache.policed as
  select role, name, pg_class.oid as relation
  from edge_cache.reading_roles
  join pg_class on relrowsecurity
    and not is_above_policies
    and not (not relforcerowsecurity and pg_has_role(role, relowner, 'usage'));

-- The policies that choose these rows. If one of them shows every row, others that permit rows have no
-- effect. So `using (true)` for everybody leaves nothing to `using (owner = auth.uid())`. Restrictive
-- policies still have one.
--
-- (Postgres ignores a policy for reading that has no expression. It shows nothing.)
create view edge_cache.applied_policies as
  select role, name, relation, policy, polname, is_permissive, tree
  from (
    select role, name, relation, policy, polname, is_permissive, tree, shows_all,
      bool_or(shows_all) over (partition by role, relation) as everything_is_shown
    from edge_cache.policed
    join (
      select oid as policy, polrelid as relation, polname, polpermissive as is_permissive, polroles,
        polqual as tree,
        polpermissive and polqual::text like
          '{CONST :consttype 16 %:constisnull false %:constvalue 1 [ 1 0 0 0 %' as shows_all -- `true`
      from pg_policy
      where polcmd in ('r', '*') and polqual is not null
    ) as policies using (relation)
    where 0 = any (polroles)
      or exists (select from unnest(polroles) as named where pg_has_role(role, named, 'usage'))
  ) as met
  where not is_permissive or shows_all or not everything_is_shown;

-- The policies that only one of anon and authenticated meets. A copy of a policy for the other role is
-- as good as the same one. Trees of copies differ only by places in the text that they come from.
create view edge_cache.policies_apart as
  with met_by_one as materialized (
    select relation, is_permissive, min(name) as name, min(polname) as polname, min(tree::text) as tree
    from edge_cache.applied_policies
    where name in ('anon', 'authenticated')
    group by policy, relation, is_permissive
    having count(*) = 1
  ),
  compared as materialized (
    select *,
      case
        when count(*) filter (where name = 'anon') over both_roles > 0
          and count(*) filter (where name = 'authenticated') over both_roles > 0
          then regexp_replace(tree, ' :location -?\d+', '', 'g')
      end as content
    from met_by_one
    window both_roles as (partition by relation, is_permissive)
  )
  select relation, polname, name
  from compared as mine
  where not exists (
      select
      from compared as other
      where other.name <> mine.name and other.relation = mine.relation
        and other.is_permissive = mine.is_permissive and other.content = mine.content
    )
    -- Otherwise no policy holds for the other one.
    and 2 = (
      select count(*)
      from edge_cache.policed
      where policed.relation = mine.relation and policed.name in ('anon', 'authenticated')
    );

-- Where anon and authenticated do not have the same rights.
create view edge_cache.rights_apart as
  with roles (name, other) as (
    values ('anon', 'authenticated'), ('authenticated', 'anon')
  )
  select oid as relation, format('%s may not select from %s', other, oid::regclass) as fault
  from pg_class
  cross join roles
  where relkind in ('r', 'p', 'v', 'm', 'f') and oid >= 16384
    and has_table_privilege(name, oid, 'select') and not has_table_privilege(other, oid, 'select')
  union all
  select attrelid, format('%s may not select the column %I of %s', other, attname, attrelid::regclass)
  from pg_attribute
  cross join roles
  where attacl is not null
    and has_column_privilege(name, attrelid, attnum, 'select')
    and not has_column_privilege(other, attrelid, attnum, 'select')
  union all
  select relation, format('row level security of %s holds for %s only', relation::regclass, min(name))
  from edge_cache.policed
  where name in ('anon', 'authenticated')
  group by relation
  having count(*) = 1
  union all
  select relation, format('policy %I of %s is for %s only', polname, relation::regclass, name)
  from edge_cache.policies_apart;
