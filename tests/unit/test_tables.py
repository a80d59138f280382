"""Which tables are served, as `src/tables.toml` or the variable `TABLES` declares them."""

from __future__ import annotations

import json

import pytest

from edge_cache.errors import ConfigurationError
from edge_cache.tables import DEFAULT, Declared, Queried, Table, Target, declared_by, declared_in


def faults(declared: object) -> tuple[str, ...]:
    """Return what is wrong with a declaration."""
    with pytest.raises(ConfigurationError) as caught:
        declared_by(declared if isinstance(declared, str) else json.dumps(declared))
    return caught.value.faults


def test_the_file_and_the_variable_declare_the_same() -> None:
    """A line of the file is a member of the variable."""
    file = 'articles = {}\n[products]\nkey = "sku"\n'
    assert declared_in(file) == declared_by('{"articles": {}, "products": {"key": "sku"}}')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "src/tables.toml: nothing is declared: write a line for each table"),
        ("articles = {}\narticles = {}", "src/tables.toml is no TOML: "),
        ("rest = {}", "src/tables.toml: 'rest' is declared, but /rest is a route"),
        ("a = { keys = 1 }", "src/tables.toml: a has no option 'keys'"),
    ],
)
def test_a_fault_of_the_file_names_the_file(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        declared_in(text)
    assert [fault.startswith(said) for fault in caught.value.faults] == [True]


def test_a_declaration_names_tables_keys_and_schemas() -> None:
    """The order stays. Options that are left out have defaults."""
    declared = {"articles": {}, "products": {"key": "sku"}, "events": {"schema": "a", "key": "s"}}
    assert declared_by(json.dumps(declared)).tables == (
        Table("articles"),
        Table("products", key="sku"),
        Table("events", key="s", schema="a"),
    )


@pytest.mark.parametrize("declared", ["", "articles", "[]", "{}", "null", '"articles"', "5"])
def test_no_table_at_all_is_a_fault(declared: str) -> None:
    """The fault shows what a declaration looks like."""
    (fault,) = faults(declared)
    assert fault.startswith("TABLES: nothing is declared: write a line for each table")


@pytest.mark.parametrize("name", ["revalidate", "health", "rest", "auth", "storage", "realtime"])
def test_a_name_that_is_a_route_is_a_fault(name: str) -> None:
    """Nobody could read such a table."""
    (fault,) = faults({name: {}})
    assert fault == (
        f"TABLES: {name!r} is declared, but /{name} is a route: declare the table under another "
        'name, and its own name as an option, such as my_table = { name = "its own" }.'
    )
    assert declared_by(json.dumps({"my_table": {"name": name}})).tables[0].relation == name


@pytest.mark.parametrize("name", ["a b", "a/b", "a?b", "ä", "a.b", "a%20b"])
def test_a_name_that_is_no_path_segment_is_a_fault(name: str) -> None:
    """A name stands in a path unchanged. The way out is to declare the table under another name."""
    (fault,) = faults({name: {}})
    assert fault == (
        f"TABLES: {name!r} is declared, but a table's name here is part of the path, so it may "
        "have ASCII letters, digits, _ and - only: declare the table under such a name, and its "
        'own name as an option, such as my_table = { name = "its own" }.'
    )
    (table,) = declared_by(json.dumps({"my_table": {"name": name}})).tables
    assert (table.name, table.relation) == ("my_table", name)


@pytest.mark.parametrize("kind", ["view", "function"])
def test_a_view_or_function_is_named_by_its_path(kind: str) -> None:
    """Its own name has to fit into a path. The name in the declaration may be any other."""
    (fault,) = faults({"x": {kind: True, "name": "a b"}})
    assert fault == (
        f"TABLES: 'a b' is declared, but the name of a {kind} is part of the path, so it may have "
        "ASCII letters, digits, _ and - only: declare another one with such a name that reads this "
        "one."
    )
    ((target, schema),) = declared_by(json.dumps({"a b": {kind: True, "name": "x"}})).others
    assert (target.removeprefix("rpc/"), schema) == ("x", "public")


def test_two_tables_may_have_one_name_in_two_schemas() -> None:
    """Each is declared under a name of its own.

    An option `name` that repeats this name changes nothing.
    """
    declared = {
        "towns": {"name": "towns"},
        "crm_towns": {"name": "towns", "schema": "crm"},
        "old_towns": {"name": "towns", "schema": "old", "watch": True},
    }
    found = declared_by(json.dumps(declared))
    towns, crm_towns = Table("towns"), Table("crm_towns", schema="crm", own_name="towns")
    assert found == Declared((towns, crm_towns), watched=(("towns", "old"),))
    assert [found.target_of("towns", schema) for schema in ("public", "crm", "old", "new")] == [
        towns,
        crm_towns,
        Queried.of("towns", "old", is_table=True),
        None,
    ]
    assert found.target_of("crm_towns", "crm") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [({}, {"watch": True}), ({}, {"view": True}), ({"function": True}, {"function": True})],
)
def test_what_is_declared_twice_is_a_fault(one: object, other: dict[str, object]) -> None:
    """A relation has one declaration. A function may have the same name as a relation."""
    (fault,) = faults({"a": one, "b": {**other, "name": "a"}, "c": {"name": "a", "schema": "c"}})
    assert fault == "TABLES: 'a' and 'b' are both public.a: leave one of them out."
    declared_by('{"a": {}, "b": {"name": "a", "function": true}}')


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ('{"towns": {}, "towns": {"schema": "crm"}}', "towns"),
        ('{"towns": {"key": "a", "key": "b"}}', "key"),
    ],
)
def test_a_name_twice_in_the_text_is_a_fault(declared: str, name: str) -> None:
    """JSON itself would keep only the last one, without a word."""
    (fault,) = faults(declared)
    assert fault == (
        f"TABLES: {name!r} stands there twice: leave one out, or declare one of the tables under "
        'another name, and its own name as an option, such as my_table = { name = "its own" }.'
    )


NO_NAMES: list[object] = [5, None, "", [], {}, True, "x" * 64, "ä" * 32, "a\0b", "\ud800"]
"""What Postgres does not accept as a name, even in quotes."""

NAMES = [
    "x" * 63,
    "ä" * 31,
    "a b",
    'a"b',
    "a'b",
    "a\\b",
    "a\n",
    "a,b(c)",
    "select",
    "%",
    "\U0001f600",
]


@pytest.mark.parametrize("option", ["name", "key", "schema"])
@pytest.mark.parametrize("value", NO_NAMES)
def test_what_is_no_name_is_a_fault(option: str, value: object) -> None:
    """Postgres allows 63 bytes of UTF-8."""
    (fault,) = faults({"articles": {option: value}})
    assert fault.startswith(f"TABLES: articles.{option} should be the name of a ")
    assert "1 to 63 bytes of UTF-8" in fault


@pytest.mark.parametrize("name", [name for name in NO_NAMES if isinstance(name, str)])
def test_a_watched_table_has_a_name(name: str) -> None:
    """The name has to be one that Postgres allows."""
    (fault,) = faults({name: {"watch": True}})
    assert fault.startswith(f"TABLES: {name!r} is no name: Postgres's names are texts of 1 to 63")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_postgres_allows_can_be_declared(name: str) -> None:
    """The section of a watched table has the table's name, in any schema.

    A served table has its name and its key as options.
    """
    declared = declared_by(json.dumps({name: {"watch": True, "schema": name}}))
    assert declared.watched == ((name, name),)
    declared = declared_by(json.dumps({"posts": {"name": name, "key": name}}))
    assert declared.tables == (Table("posts", key=name, own_name=name),)


@pytest.mark.parametrize("name", ["it's", "a;head", "a b", "ä", "rpc/f", "a/b", "a.b"])
def test_what_a_querys_path_cannot_name_is_not_asked_for_by_it(name: str) -> None:
    """A table of that name is passed on. `rpc/f` is the path of a function, not of a table."""
    declared = Declared((Table("x", own_name=name),), watched=((name, "other"), ("a", name)))
    assert declared.target_of(name, "public") is None
    assert declared.target_of(name, "other") is None
    assert declared.target_of("a", name) is None
    assert declared.queried == []


@pytest.mark.parametrize("name", ["a", "Blog_posts-2", "x" * 63])
def test_other_names_are_served(name: str) -> None:
    """Names may be as long as Postgres allows."""
    assert declared_by(json.dumps({name: {}})).tables == (Table(name),)


@pytest.mark.parametrize("given", [None, [], "id", 5, True])
def test_a_table_without_options_is_an_empty_section(given: object) -> None:
    """Anything else is a fault, which names the table."""
    (fault,) = faults({"articles": given})
    assert fault.startswith("TABLES: articles should be a table of options")


@pytest.mark.parametrize("schema", ["größe", "a b", "a\n", "a,b", 'a"b'])
def test_a_schema_that_is_read_stands_in_a_header(schema: str) -> None:
    """So it has to be ASCII. For another schema, the way out is a view in such a schema."""
    (fault,) = faults({"articles": {"schema": schema}})
    assert fault.startswith("TABLES: articles.schema is sent in a header")
    ways = {"recent": {"view": True}, "articles": {"schema": schema, "watch": True}}
    assert declared_by(json.dumps(ways)).watched == (("articles", schema),)


def test_views_and_functions_are_declared() -> None:
    """They are known by their path below `/rest/v1/` and their schema.

    They have no path of their own.
    """
    declared = {
        "articles": {},
        "latest": {"view": True},
        "top": {"function": True, "schema": "a"},
        "revalidate": {"view": True},
        "rest": {"function": True},
    }
    others = {
        ("latest", "public"),
        ("rpc/top", "a"),
        ("revalidate", "public"),
        ("rpc/rest", "public"),
    }
    assert declared_by(json.dumps(declared)) == Declared((Table("articles"),), frozenset(others))


def test_only_views_may_be_declared() -> None:
    """Then there is no table."""
    declared = declared_by('{"latest": {"view": true}}')
    assert declared == Declared((), frozenset({("latest", "public")}))


@pytest.mark.parametrize("kind", ["view", "function", "watch"])
@pytest.mark.parametrize("value", [False, None, 1, "true", {}])
def test_a_kind_is_true_or_left_out(kind: str, value: object) -> None:
    """Any other value is a fault, which says so."""
    assert faults({"x": {kind: value}}) == (f"TABLES: x.{kind} should be true, or left out.",)


def test_tables_that_are_only_watched_have_no_path_of_their_own() -> None:
    """They are read as queries only, as views are."""
    declared = {"authors": {"watch": True}, "rest": {"watch": True, "schema": "a"}}
    found = declared_by(json.dumps(declared))
    assert found == Declared((), frozenset(), (("authors", "public"), ("rest", "a")))
    authors = Queried.of("authors", "public", is_table=True)
    rest = Queried.of("rest", "a", is_table=True)
    assert found.target_of("authors", "public") == authors
    assert found.target_of("rest", "a") == rest
    assert found.target_of("rest", "public") is None
    assert found.targets == (authors, rest)
    assert found.schemas == ["a", "public"]


def test_what_is_a_view_is_no_function() -> None:
    """A name is declared as a view or as a function, not as both."""
    (fault,) = faults({"x": {"view": True, "function": True}})
    assert fault == "TABLES: x is either a view or a function."


@pytest.mark.parametrize("kind", ["view", "function", "watch"])
def test_what_is_no_table_has_no_key(kind: str) -> None:
    """Its rows have no path."""
    (fault,) = faults({"x": {kind: True, "key": "id"}})
    article = "a watched table" if kind == "watch" else f"a {kind}"
    assert fault == f"TABLES: x has no key: {article} has no rows with a path of their own."


def test_a_function_may_say_what_it_reads() -> None:
    """A name without a schema means the function's own schema."""
    declared = {
        "search": {"function": True, "schema": "crm", "reads": ["towns", "public.a.b"]},
        "now": {"function": True, "reads": []},
        "other": {"function": True},
    }
    assert declared_by(json.dumps(declared)).reads == {
        ("rpc/search", "crm"): (("crm", "towns"), ("public", "a.b")),
        ("rpc/now", "public"): (),
    }


@pytest.mark.parametrize("kind", ["view", "watch"])
def test_only_a_function_says_what_it_reads(kind: str) -> None:
    """The database knows it of everything else."""
    expected = "TABLES: x.reads is for a function only: the database knows what others read."
    assert faults({"x": {kind: True, "reads": []}}) == (expected,)
    assert faults({"x": {"reads": ["a"]}}) == (expected,)


@pytest.mark.parametrize("reads", ["articles", True, None, {}])
def test_what_a_function_reads_is_a_list(reads: object) -> None:
    """The fault shows one."""
    (fault,) = faults({"x": {"function": True, "reads": reads}})
    assert fault == (
        'TABLES: x.reads should be a list of names, such as ["articles", "crm.towns"].'
    )


@pytest.mark.parametrize("read", [*NO_NAMES, ".a", "a.", "a." + "x" * 64])
def test_what_a_function_reads_has_a_name(read: object) -> None:
    """Each name that is none is a fault."""
    found = faults({"x": {"function": True, "reads": ["fine", read, read]}})
    assert len(found) == 2
    assert found[0].startswith(
        f"TABLES: x.reads has {read!r}, which should be the name of a relation"
    )


def test_a_view_has_other_faults_too() -> None:
    """The faults are all listed."""
    assert len(faults({"x": {"view": 1, "function": 2, "key": 3, "schema": 4, "y": 5}})) == 7


SHOP = Table("products", key="sku", schema="shop")
DECLARED = Declared(
    (Table("articles"), SHOP), frozenset({("latest", "public"), ("rpc/top", "shop")})
)


@pytest.mark.parametrize(
    ("path", "schema", "target"),
    [
        ("articles", "public", Table("articles")),
        ("products", "shop", SHOP),
        ("latest", "public", Queried("rest/v1/latest", "latest", "public", is_table=False)),
        (
            "rpc/top",
            "shop",
            Queried("rest/v1/rpc/top;profile=shop", "rpc/top", "shop", is_table=False),
        ),
        ("articles", "shop", None),
        ("products", "public", None),
        ("latest", "shop", None),
        ("rpc/top", "public", None),
        ("top", "shop", None),
        ("rpc/articles", "public", None),
        ("", "public", None),
        ("/articles", "public", None),
    ],
)
def test_what_is_declared_is_a_target(path: str, schema: str, target: Target | None) -> None:
    """The schema has to be right."""
    assert DECLARED.target_of(path, schema) == target


def test_by_default_nothing_but_articles_is_declared() -> None:
    """Its schema is `public`."""
    assert DEFAULT.target_of("articles", "public") == Table("articles")
    assert DEFAULT.others == frozenset()


def test_each_target_has_an_object_and_a_key_for_its_versions() -> None:
    """The object has the target's name. A name with a slash is no table's."""
    assert {target.name: target.versions_key for target in DECLARED.targets} == {
        "articles": "/articles?versions",
        "products": "/products?versions",
        "rest/v1/latest": "/rest/v1/latest?versions",
        "rest/v1/rpc/top;profile=shop": "/rest/v1/rpc/top;profile=shop?versions",
    }


def test_targets_of_one_name_in_two_schemas_are_two() -> None:
    """A view and a function of the same name are two as well."""
    others = {("top", "public"), ("top", "shop"), ("rpc/top", "public"), ("rpc/top", "shop")}
    declared = Declared((Table("top"),), frozenset(others))
    assert len({target.name for target in declared.targets}) == 5


def test_views_come_before_functions_and_watched_tables() -> None:
    """The public key may not be able to read a table that is only watched."""
    others = frozenset({("rpc/a", "public"), ("z", "public"), ("b", "public")})
    declared = Declared((), others, (("c", "public"), ("a", "public"), ("b", "public")))
    assert [(one.path, one.is_table) for one in declared.queried] == [
        ("b", False),
        ("z", False),
        ("rpc/a", False),
        ("a", True),
        ("c", True),
    ]


def test_an_unknown_option_is_a_fault() -> None:
    """Otherwise a misspelled option would be ignored."""
    (fault,) = faults({"articles": {"keys": "id"}})
    assert fault == (
        "TABLES: articles has no option 'keys': the options are name, key, schema, view, function, "
        "watch, reads, signed_in."
    )


def test_all_faults_are_told_at_once() -> None:
    """The faults of every table are listed."""
    assert len(faults({"health": {}, "articles": {"key": 5, "schema": 5, "x": 1}})) == 4
