"""Which tables are served, as wrangler.toml declares them."""

from __future__ import annotations

import json

import pytest

from edge_cache.errors import ConfigurationError
from edge_cache.tables import DEFAULT, PROJECT, Declared, Table, declared_in


def faults(declared: object) -> tuple[str, ...]:
    """Return what is wrong with a declaration."""
    with pytest.raises(ConfigurationError) as caught:
        declared_in(declared if isinstance(declared, str) else json.dumps(declared))
    return caught.value.faults


def test_without_a_declaration_articles_are_served() -> None:
    """As in the lesson: by `id`, from `public`."""
    assert declared_in(None) == Declared((Table("articles", key="id", schema="public"),))


def test_a_declaration_names_tables_keys_and_schemas() -> None:
    """In its order; what is left out has a default."""
    declared = {"articles": {}, "products": {"key": "sku"}, "events": {"schema": "a", "key": "s"}}
    assert declared_in(json.dumps(declared)).tables == (
        Table("articles"),
        Table("products", key="sku"),
        Table("events", key="s", schema="a"),
    )


@pytest.mark.parametrize("declared", ["", "articles", "[]", "{}", "null", '"articles"', "5"])
def test_no_table_at_all_is_a_fault(declared: str) -> None:
    """It says what a declaration looks like."""
    (fault,) = faults(declared)
    assert fault.startswith("TABLES declares no table")
    assert "[vars.TABLES]" in fault


@pytest.mark.parametrize("name", ["revalidate", "health", "rest", "auth", "storage", "realtime"])
def test_a_name_that_is_a_route_is_a_fault(name: str) -> None:
    """Such a table could not be read."""
    (fault,) = faults({name: {}})
    assert fault == f"TABLES declares {name!r}, but /{name} is a route: serve it through a view."


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a?b", "ä", "x" * 64, "a.b", "a%20b"])
def test_a_name_that_is_no_path_segment_is_a_fault(name: str) -> None:
    """Names stand in paths as they are."""
    (fault,) = faults({name: {}})
    assert fault == (
        f"TABLES declares {name!r}: a name stands in the path, so it may have letters, digits, _ "
        "and - only, and 63 of them; serve such a table through a view."
    )


@pytest.mark.parametrize("name", ["a", "Blog_posts-2", "x" * 63])
def test_other_names_are_served(name: str) -> None:
    """Up to Postgres's limit."""
    assert declared_in(json.dumps({name: {}})).tables == (Table(name),)


@pytest.mark.parametrize("given", [None, [], "id", 5, True])
def test_a_table_without_options_is_an_empty_section(given: object) -> None:
    """Anything else is a fault, which names the table."""
    (fault,) = faults({"articles": given})
    assert fault.startswith("TABLES.articles should be a table of options")


@pytest.mark.parametrize("option", ["key", "schema"])
@pytest.mark.parametrize("value", [5, None, "", [], {}, True, "a b", "a\n", "x" * 64, "a,b", 'a"b'])
def test_a_key_or_schema_that_is_no_name_is_a_fault(option: str, value: object) -> None:
    """Neither numbers nor texts that would mean something else in a URL or a header."""
    (fault,) = faults({"articles": {option: value}})
    assert fault.startswith(f"TABLES.articles.{option} should be the name of a ")


def test_a_schema_stands_in_a_header() -> None:
    """So it is ASCII; a column is quoted in a URL and may be anything that Postgres calls so."""
    assert faults({"articles": {"schema": "größe"}})
    declared = declared_in('{"articles": {"key": "größe"}}')
    assert declared.tables == (Table("articles", key="größe"),)


def test_views_and_functions_are_declared() -> None:
    """By the path below `/rest/v1/` and the schema; they have no path of their own."""
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
    assert declared_in(json.dumps(declared)) == Declared((Table("articles"),), frozenset(others))


def test_only_views_may_be_declared() -> None:
    """Then there is no table."""
    declared = declared_in('{"latest": {"view": true}}')
    assert declared == Declared((), frozenset({("latest", "public")}))


@pytest.mark.parametrize("kind", ["view", "function", "watch"])
@pytest.mark.parametrize("value", [False, None, 1, "true", {}])
def test_a_kind_is_true_or_left_out(kind: str, value: object) -> None:
    """Anything else is a fault, which says so."""
    assert faults({"x": {kind: value}}) == (f"TABLES.x.{kind} should be true, or left out.",)


def test_tables_that_are_only_watched_are_not_served() -> None:
    """They are read by what is served."""
    declared = {"authors": {"watch": True}, "rest": {"watch": True, "schema": "a"}}
    assert declared_in(json.dumps(declared)) == Declared(
        (), frozenset(), (("authors", "public"), ("rest", "a"))
    )


def test_what_is_a_view_is_no_function() -> None:
    """One name, one of both."""
    (fault,) = faults({"x": {"view": True, "function": True}})
    assert fault == "TABLES.x is either a view or a function."


@pytest.mark.parametrize("kind", ["view", "function", "watch"])
def test_what_is_no_table_has_no_key(kind: str) -> None:
    """Its rows have no path."""
    (fault,) = faults({"x": {kind: True, "key": "id"}})
    assert fault == "TABLES.x has no key: only tables have rows with a path of their own."


def test_a_view_has_other_faults_too() -> None:
    """All of them are told."""
    assert len(faults({"x": {"view": 1, "function": 2, "key": 3, "schema": 4, "y": 5}})) == 7


SHOP = Table("products", key="sku", schema="shop")
DECLARED = Declared(
    (Table("articles"), SHOP), frozenset({("latest", "public"), ("rpc/top", "shop")})
)


@pytest.mark.parametrize(
    ("target", "schema", "scope"),
    [
        ("articles", "public", Table("articles")),
        ("products", "shop", SHOP),
        ("latest", "public", PROJECT),
        ("rpc/top", "shop", PROJECT),
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
def test_what_is_declared_belongs_to_a_scope(target: str, schema: str, scope: object) -> None:
    """A table's own, or the project's; the schema has to be right."""
    assert DECLARED.scope_of(target, schema) == scope


def test_by_default_nothing_but_articles_is_declared() -> None:
    """In `public`."""
    assert DEFAULT.scope_of("articles", "public") == Table("articles")
    assert DEFAULT.others == frozenset()


def test_each_scope_has_a_key_for_its_versions() -> None:
    """No table is called as the project is."""
    keys = [scope.version_key for scope in (PROJECT, Table("articles"), SHOP)]
    assert keys == ["/?version", "/articles?version", "/products?version"]


def test_an_unknown_option_is_a_fault() -> None:
    """A misspelled one would be ignored."""
    (fault,) = faults({"articles": {"keys": "id"}})
    assert (
        fault
        == "TABLES.articles has no option 'keys': it knows key, schema, view, function, watch."
    )


def test_all_faults_are_told_at_once() -> None:
    """Of every table."""
    assert len(faults({"health": {}, "articles": {"key": 5, "schema": 5, "x": 1}})) == 4
