"""What answers depend on without relationships: tables, rows, views, functions, keys."""

from __future__ import annotations

import pytest
from catalogues import catalogue_of, computed, function, table, view

from edge_cache.dependencies import EVERYTHING, ON_EVERYTHING, Dependencies
from edge_cache.queries import Query
from edge_cache.supabase.resolving import (
    keyed_relation,
    query_dependencies,
    row_dependencies,
    table_dependencies,
)

ARTICLES = ("public", "articles")

CATALOGUE = catalogue_of(
    table(
        "articles",
        reads=["private.members"],
        computed=[
            computed("comment_count", reads=["comments", "bans"]),
            computed("mystery", reads=None),
        ],
    ),
    table("comments", key=None),
    table("secrets", reads=None),
    table("prices", key="at timestamp"),
    table("other.articles", key="slug text"),
    view("recent", key="nr int8 articles", reads=["private.members", "settings"]),
    view("totals", reads=["comments", "settings"]),
    view("opaque", reads=None, key="id int8 articles"),
    function("search", reads=["articles", "authors"], returns="articles"),
    function("sum_up", reads=["comments"]),
    function("sum_up", reads=["articles"]),
    function("half_known", reads=["comments"]),
    function("half_known", reads=None),
    function("pure", reads=[], volatility="i"),
    function("writes", reads=["comments"], volatility="v"),
    function("dangling", reads=[], returns="nowhere"),
)


def on(*relations: str, keys: tuple[str, ...] = ()) -> Dependencies:
    """Return dependencies; a name without a schema is in public."""
    ids = (one if "." in one else f"public.{one}" for one in relations)
    return Dependencies(frozenset(ids), frozenset(keys))


def of(target: str, parameters: str = "", profile: str = "") -> Dependencies:
    """Return what a query depends on."""
    return query_dependencies(Query(target, parameters, profile), CATALOGUE, is_table=True)


def without_catalogue(target: str, parameters: str = "", *, is_table: bool = True) -> Dependencies:
    """Return the same of a project without our SQL."""
    return query_dependencies(Query(target, parameters), None, is_table=is_table)


# Only a declared table is known.


def test_a_table_depends_on_all_its_rows() -> None:
    assert table_dependencies(ARTICLES, None) == on("articles")


def test_a_row_depends_on_itself() -> None:
    assert row_dependencies(ARTICLES, "7", None) == on(keys=("7",))


def test_a_query_of_one_table_depends_on_it() -> None:
    for parameters in ("", "select=id,count()&id=eq.7", "order=id.desc"):
        assert without_catalogue("articles", parameters) == on("articles")


def test_without_a_catalogue_the_schema_counts_too() -> None:
    query = Query("articles", profile="other")
    assert query_dependencies(query, None, is_table=True) == on("other.articles")


@pytest.mark.parametrize(
    "parameters",
    ["select=authors(*)", "order=authors(name)", "select=a;b", "authors.name=eq.1"],
)
def test_a_query_that_embeds_depends_on_everything(parameters: str) -> None:
    assert without_catalogue("articles", parameters) == ON_EVERYTHING


def test_a_view_or_function_depends_on_everything() -> None:
    assert without_catalogue("recent", is_table=False) == ON_EVERYTHING
    assert without_catalogue("rpc/f", is_table=False) == ON_EVERYTHING
    assert without_catalogue("rpc/f") == ON_EVERYTHING


def test_only_a_relation_tells_rows_apart() -> None:
    assert keyed_relation("public", "articles", None) == "public.articles"
    assert keyed_relation("public", "rpc/f", None) is None


# A table depends on all its rows, and on what its policies read.


def test_a_table_depends_on_what_its_policies_read() -> None:
    assert table_dependencies(ARTICLES, CATALOGUE) == on("articles", "private.members")


def test_a_table_whose_policies_nobody_knows_depends_on_everything() -> None:
    assert table_dependencies(("public", "secrets"), CATALOGUE) == ON_EVERYTHING


def test_a_table_that_the_catalogue_lacks_depends_on_everything() -> None:
    assert table_dependencies(("public", "new"), CATALOGUE) == ON_EVERYTHING


def test_a_view_depends_on_what_lies_below_and_on_the_rows_that_it_shows() -> None:
    whole = on("private.members", "settings", "articles")
    assert table_dependencies(("public", "recent"), CATALOGUE) == whole
    assert table_dependencies(("public", "totals"), CATALOGUE) == on("comments", "settings")


# A row depends on its key, if the database tells changes of the table by it.


def test_a_row_depends_on_its_key_and_on_what_the_policies_read() -> None:
    assert row_dependencies(ARTICLES, "07", CATALOGUE) == on("private.members", keys=("07",))


@pytest.mark.parametrize("name", ["comments", "recent", "totals"])
def test_a_row_without_a_key_of_its_own_depends_on_all_rows(name: str) -> None:
    relation = ("public", name)
    assert row_dependencies(relation, "7", CATALOGUE) == table_dependencies(relation, CATALOGUE)


@pytest.mark.parametrize("name", ["secrets", "new", "opaque"])
def test_a_row_that_nobody_knows_enough_of_depends_on_everything(name: str) -> None:
    assert row_dependencies(("public", name), "7", CATALOGUE) == ON_EVERYTHING


def test_any_type_of_key_counts() -> None:
    """The reader checks the spelling, because the row is at hand."""
    assert row_dependencies(("public", "prices"), "now", CATALOGUE) == on(keys=("now",))


# A query depends on the keys that it asks for, or else on all rows.


def test_a_query_depends_on_all_rows() -> None:
    for parameters in ("", "title=eq.7", "select=id", "id=gt.7", "or=(id.eq.7)"):
        assert of("articles", parameters) == on("articles", "private.members")


def test_a_query_by_key_depends_on_the_keys() -> None:
    assert of("articles", "id=eq.7") == on("private.members", keys=("7",))
    assert of("articles", "id=in.(7,8)&title=eq.x") == on("private.members", keys=("7", "8"))


def test_a_key_in_another_spelling_is_not_certain() -> None:
    assert of("articles", "id=eq.07") == on("articles", "private.members")


def test_a_table_without_a_key_depends_on_all_rows() -> None:
    assert of("comments", "id=eq.7") == on("comments")


def test_it_is_the_table_of_the_schema_that_is_asked_for() -> None:
    assert of("articles", "slug=eq.a", "other") == on(keys=("a",))
    assert of("articles", "id=eq.7", "other") == on("other.articles")


@pytest.mark.parametrize("target", ["secrets", "new"])
def test_a_query_of_what_nobody_knows_depends_on_everything(target: str) -> None:
    assert of(target) == ON_EVERYTHING


def test_a_query_that_is_not_understood_depends_on_everything() -> None:
    assert of("articles", "select=id)&id=eq.7") == ON_EVERYTHING


# Somebody who names one also asks for what it reads.


@pytest.mark.parametrize(
    "parameters",
    [
        "select=comment_count",
        "select=n:comment_count::text",
        "comment_count=gt.1",
        "order=comment_count.desc",
        "or=(comment_count.gt.1)",
        "select=%22comment_count%22",
    ],
)
def test_it_counts_wherever_its_name_is(parameters: str) -> None:
    whole = on("articles", "private.members", "comments", "bans")
    assert of("articles", parameters) == whole


def test_it_counts_beside_a_key() -> None:
    found = of("articles", "id=eq.7&select=comment_count")
    assert found == on("private.members", "comments", "bans", keys=("7",))


def test_if_nobody_knows_what_it_reads_the_answer_depends_on_everything() -> None:
    assert of("articles", "select=mystery") == ON_EVERYTHING


def test_it_counts_in_the_rows_of_a_function() -> None:
    found = of("rpc/search", "select=comment_count")
    assert found == on("articles", "authors", "comments", "bans")
    assert of("rpc/search", "select=mystery") == ON_EVERYTHING


# A view depends on what lies below it.


def test_a_view_depends_on_all_rows_below() -> None:
    assert of("recent") == on("articles", "private.members", "settings")
    assert of("totals", "id=eq.7") == on("comments", "settings")


def test_a_view_by_key_depends_on_the_keys_of_the_table_below() -> None:
    assert of("recent", "nr=eq.7") == on("private.members", "settings", keys=("7",))
    assert of("recent", "id=eq.7") == on("articles", "private.members", "settings")


def test_a_view_that_nobody_knows_depends_on_everything() -> None:
    assert of("opaque", "id=eq.7") == ON_EVERYTHING


# A function depends on what its body reads.


def test_a_function_depends_on_what_it_reads() -> None:
    assert of("rpc/search", "words=x") == on("articles", "authors")
    assert of("rpc/pure") == on()


def test_a_volatile_function_is_no_exception() -> None:
    assert of("rpc/writes") == on("comments")


def test_any_overload_may_be_meant() -> None:
    assert of("rpc/sum_up") == on("comments", "articles")


def test_an_overload_that_nobody_knows_depends_on_everything() -> None:
    assert of("rpc/half_known") == ON_EVERYTHING


def test_a_function_that_the_catalogue_lacks_depends_on_everything() -> None:
    assert of("rpc/new") == ON_EVERYTHING
    assert of("rpc/search", profile="other") == ON_EVERYTHING


def test_an_argument_is_no_key() -> None:
    assert of("rpc/search", "id=eq.7") == on("articles", "authors")


def test_a_function_that_returns_what_nobody_knows_depends_on_everything() -> None:
    assert of("rpc/dangling") == ON_EVERYTHING


# A target tells the rows of one table apart, or none.


@pytest.mark.parametrize(
    ("schema", "name", "found"),
    [
        ("public", "articles", "public.articles"),
        ("other", "articles", "other.articles"),
        ("public", "recent", "public.articles"),
        ("public", "comments", None),
        ("public", "totals", None),
        ("public", "new", None),
        ("public", "rpc/search", None),
    ],
)
def test_it_is_the_table_of_the_key(schema: str, name: str, found: str | None) -> None:
    assert keyed_relation(schema, name, CATALOGUE) == found


@pytest.mark.parametrize(
    ("parameters", "embeds"),
    [
        ("", False),
        ("select=*", False),
        ("select=id,title&order=id.asc", False),
        ("or=(a.eq.1,b.eq.2)", False),
        ("id=in.(1,2)&select=id", False),
        ("title=eq.select=(", False),
        ("select=id.count()", False),
        ("select=*,author(name)", True),
        ("limit=1&select=...author(name)", True),
        ("order=author(name).asc&select=*", True),
    ],
)
def test_without_a_catalogue_only_an_embedding_depends_on_everything(
    parameters: str, embeds: bool
) -> None:
    """Parentheses count in chosen and ordered columns. Values may have any parentheses."""
    depends = query_dependencies(Query("articles", parameters), None, is_table=True)
    assert depends.relations == {EVERYTHING if embeds else "public.articles"}
