"""Which tables are served, as wrangler.toml declares them."""

from __future__ import annotations

import json

import pytest

from edge_cache.errors import ConfigurationError
from edge_cache.tables import Declared, Table, declared_in


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


def test_an_unknown_option_is_a_fault() -> None:
    """A misspelled one would be ignored."""
    (fault,) = faults({"articles": {"keys": "id"}})
    assert fault == "TABLES.articles has no option 'keys': it knows key, schema, view, function."


def test_all_faults_are_told_at_once() -> None:
    """Of every table."""
    assert len(faults({"health": {}, "articles": {"key": 5, "schema": 5, "x": 1}})) == 4
