-- The expressions that Postgres stores as trees: policies, views, bodies in BEGIN ATOMIC, the default
-- arguments of functions, and the checks of domains. Only their text tells every function that they call,
-- because pg_depend leaves out Postgres's own.

-- `name` says in a finding what the tree is of.
drop view if exists edge_cache.trees cascade;
create view edge_cache.trees as
  select 'policy' as kind, oid as part, format('policy %I of %s', polname, polrelid::regclass) as name,
    polqual::text as tree
  from pg_policy
  where polcmd in ('r', '*')
  union all
  select 'view', ev_class, format('view %s', ev_class::regclass), ev_action::text
  from pg_rewrite
  join pg_class on pg_class.oid = ev_class and relkind = 'v' and ev_class >= 16384
  where ev_type = '1' and relnamespace <> 'edge_cache'::regnamespace
  union all
  select 'body', oid, format('function %s', oid::regprocedure), prosqlbody::text
  from pg_proc
  where prosqlbody is not null
  union all
  -- A call in a tree does not show these. Postgres adds them when it runs the call.
  select 'default', oid, format('a default argument of %s', oid::regprocedure), proargdefaults::text
  from pg_proc
  where proargdefaults is not null and oid >= 16384
  union all
  select 'type', contypid, format('domain %s', contypid::regtype), conbin::text
  from pg_constraint
  where contypid >= 16384;

-- What these trees name: functions, relations and types. `fault` is what we do not follow, or what looks
-- at who asks. A kind of node that is not in the list below is a fault, because we do not know what
-- it does. Postgres 15 and 17 spell some of them differently.
--
-- (We cut the text at each field, because a regular expression over all of it takes ten times longer.)
create view edge_cache.named_in_trees as
  with pieces as materialized (
    select distinct kind, part, split_part(piece, ' ', 1) as field,
      rtrim(split_part(piece, ' ', 2), ')}') as value, split_part(piece, '{', 2) as tag,
      case when piece like '%ypes (o %' or piece like 'opnos (o %' then split_part(piece, '(o ', 2) end
        as list
    from edge_cache.trees
    cross join string_to_table(
      -- Backslashes escape the blanks and brackets in names.
      case when position('\' in tree) > 0 then regexp_replace(tree, '\\.', '_', 'g') else tree end, ' :'
    ) as piece
    where position('{' in piece) > 0
      or split_part(piece, ' ', 1) in (
        'funcid', 'aggfnoid', 'winfnoid', 'startInRangeFunc', 'endInRangeFunc', 'opno', 'opnos', 'eqop',
        'sortop', 'relid', 'vartype', 'consttype', 'paramtype', 'aggtype', 'wintype', 'funcresulttype',
        'opresulttype', 'resulttype', 'typeId', 'casetype', 'array_typeid', 'element_typeid', 'row_typeid',
        'coalescetype', 'minmaxtype', 'refcontainertype', 'refelemtype', 'refrestype', 'typid', 'type',
        'aggargtypes', 'coltypes', 'colTypes', 'ctecoltypes', 'funccoltypes', 'commandType', 'op',
        'paramkind'
      )
  ),
  numbers as (
    select kind, part, field, value::oid as number from pieces where value ~ '^\d{1,10}$'
    union
    select kind, part, field, listed[1]::oid
    from pieces
    cross join regexp_matches(list, '\d+', 'g') as listed
  ),
  operators as (
    select kind, part, oprcode::oid as function
    from numbers
    join pg_operator on pg_operator.oid = number
    where field in ('opno', 'opnos', 'eqop', 'sortop')
  )
  select kind, part, 'function' as named_kind, number as named, null as fault
  from numbers
  where field in ('funcid', 'aggfnoid', 'winfnoid', 'startInRangeFunc', 'endInRangeFunc') and number <> 0
  union all
  select kind, part, 'function', function, null from operators
  union all
  select kind, part, 'relation', number, null
  from numbers
  where field = 'relid' and number >= 16384 and (kind, part) <> ('view', number) -- A rule names its own view.
  union all
  select kind, part, null, null, format('reads %s, which is Postgres''s own', number::regclass)
  from numbers
  where field = 'relid' and number between 1 and 16383
  union all
  select kind, part, 'type', number, null
  from numbers
  where field ~ 'types?$|typeid$|typeId$|typid$'
    -- The name of a text search configuration is looked up when the tree is stored, and not when it runs.
    and not (field = 'consttype' and number in ('regconfig'::regtype, 'regdictionary'::regtype))
  union all
  select kind, part, null, null, 'looks at ' || coalesce(
    (array['current_role', 'current_user', 'user', 'session_user', null, 'current_schema'])[number::int - 8],
    'something unknown'
  )
  from numbers
  -- `op` of MIN, MAX and UNION is lower. From 0 to 8 it is the time. 13 is the database's name.
  where field = 'op' and number > 8 and number <> 13
  union all
  select kind, part, null, null, 'changes rows' from numbers where field = 'commandType' and number <> 1
  union all
  select kind, part, null, null, 'has a parameter that is no argument'
  from numbers
  where field = 'paramkind' and number not in (0, 2) -- 2 is the left side of IN.
  union all
  select kind, part, null, null, format('has what we do not know (%s)', lower(left(tag, 40)))
  from pieces
  where tag <> '' and tag not in (
    'AGGREF', 'ALIAS', 'ARRAY', 'ARRAYCOERCEEXPR', 'ARRAYEXPR', 'BOOLEANTEST', 'BOOLEXPR', 'CASE', 'CASEEXPR',
    'CASETESTEXPR', 'CASEWHEN', 'COALESCE', 'COALESCEEXPR', 'COERCETODOMAIN', 'COERCETODOMAINVALUE',
    'COERCEVIAIO', 'COLLATE', 'COLLATEEXPR', 'COMMONTABLEEXPR', 'CONST', 'CONVERTROWTYPEEXPR',
    'DISTINCTEXPR', 'FIELDSELECT', 'FROMEXPR', 'FUNCEXPR', 'GROUPINGFUNC', 'GROUPINGSET', 'JOINEXPR',
    'JSONCONSTRUCTOREXPR', 'JSONFORMAT', 'JSONISPREDICATE', 'JSONRETURNING', 'JSONVALUEEXPR', 'MINMAX',
    'MINMAXEXPR', 'NAMEDARGEXPR', 'NULLIFEXPR', 'NULLTEST', 'OPEXPR', 'PARAM', 'QUERY', 'RANGETBLENTRY',
    'RANGETBLFUNCTION', 'RANGETBLREF', 'RELABELTYPE', 'ROW', 'ROWCOMPARE', 'ROWCOMPAREEXPR', 'ROWEXPR',
    'RTE', 'RTEPERMISSIONINFO', 'SCALARARRAYOPEXPR', 'SETOPERATIONSTMT', 'SORTGROUPCLAUSE',
    'SQLVALUEFUNCTION', 'SUBLINK', 'SUBSCRIPTINGREF', 'TARGETENTRY', 'VAR', 'WHEN', 'WINDOWCLAUSE',
    'WINDOWFUNC'
  )
  union all
  select kind, part, null, null, format('has a %s that we cannot read', left(field, 40))
  from pieces
  where tag = '' and list is null and value !~ '^\d{1,10}$' and value <> '<>'; -- an empty list
