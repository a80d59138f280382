"""What the database says of its own relations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from catalogues import catalogue_of, computed, foreign_key, function, table, text_of, view

from edge_cache.supabase.catalogue import (
    UNTOLD,
    Computed,
    ForeignKey,
    Function,
    Key,
    Relation,
    catalogue_in,
)

ARTICLES = ("public", "articles")

VOLATILE = "the API calls search(), which is volatile"

WHOLE = (
    table(
        "articles",
        reads=["private.members"],
        computed=[computed("rank", returns="authors", differs=None)],
        differs=None,
    ),
    view("recent", key="nr int8 articles", reads=None, differs="view recent looks at auth.uid()"),
    foreign_key("articles_author_fkey", "articles(author_id,at)", "authors(id,at)"),
    function("search", reads=["articles"], returns="articles", volatility="v", differs=VOLATILE),
)


def without(text: str, *path: str | int) -> str:
    """Return a catalogue without one member, which the last of a path names."""
    whole = json.loads(text)
    *above, last = path
    found: Any = whole
    for step in above:
        found = found[step]
    del found[last]
    return json.dumps(whole)


def with_(text: str, value: object, *path: str | int) -> str:
    """Return a catalogue with another value at a path."""
    whole = json.loads(text)
    *above, last = path
    found: Any = whole
    for step in above:
        found = found[step]
    found[last] = value
    return json.dumps(whole)


def test_it_has_what_the_database_says() -> None:
    catalogue = catalogue_of(*WHOLE)
    assert catalogue.fingerprint == "f1"
    assert catalogue.relations[ARTICLES] == Relation(
        ARTICLES,
        frozenset({("private", "members")}),
        Key("id", "int8", ARTICLES),
        (Computed("rank", frozenset(), ("public", "authors"), None),),
        is_view=False,
        differs=None,
    )
    assert catalogue.relations["public", "recent"] == Relation(
        ("public", "recent"),
        None,
        Key("nr", "int8", ARTICLES),
        (),
        is_view=True,
        differs="view recent looks at auth.uid()",
    )
    assert catalogue.foreign_keys == (
        ForeignKey(
            "articles_author_fkey",
            ARTICLES,
            ("author_id", "at"),
            ("public", "authors"),
            ("id", "at"),
        ),
    )
    search = ("public", "search")
    assert catalogue.functions == {
        search: (Function(search, "v", frozenset({ARTICLES}), ARTICLES, VOLATILE),)
    }


def test_overloads_have_one_name() -> None:
    overloads = catalogue_of(
        function("f", reads=["a"]), function("other.f"), function("f", reads=None)
    ).functions
    assert [one.reads for one in overloads["public", "f"]] == [frozenset({("public", "a")}), None]
    assert len(overloads["other", "f"]) == 1


def test_unknown_members_are_ignored() -> None:
    text = with_(text_of(*WHOLE), {"more": 1}, "more")
    assert catalogue_in(with_(text, 1, "relations", 0, "more")) == catalogue_of(*WHOLE)


def test_a_relation_with_the_key_of_another_is_a_view() -> None:
    """Unless the database says which relations are views, nothing else shows it."""
    text = text_of(*WHOLE)
    for place, name in enumerate(("articles", "recent")):
        relation = catalogue_in(without(text, "relations", place, "view")).relations["public", name]
        assert relation.is_view == (name == "recent")


DIFFERING: list[tuple[str | int, ...]] = [
    ("relations", 0, "differs"),
    ("relations", 0, "computed", 0, "differs"),
    ("functions", 0, "differs"),
]


@pytest.mark.parametrize("path", DIFFERING, ids=str)
def test_what_an_earlier_script_does_not_say_is_no_proof(path: tuple[str | int, ...]) -> None:
    found = catalogue_in(without(text_of(*WHOLE), *path))
    (search,) = found.functions["public", "search"]
    articles = found.relations[ARTICLES]
    said = [articles.differs, articles.computed[0].differs, search.differs]
    place = DIFFERING.index(path)
    assert said[place] == UNTOLD
    assert UNTOLD not in said[:place] + said[place + 1 :]


@pytest.mark.parametrize("value", [7, True, {}, ["x"]], ids=str)
@pytest.mark.parametrize("path", DIFFERING, ids=str)
def test_a_difference_is_a_text(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(ValueError, match="catalogue"):
        catalogue_in(with_(text_of(*WHOLE), value, *path))


REQUIRED: list[tuple[str | int, ...]] = [
    *(("fingerprint",), ("relations",), ("foreign_keys",), ("functions",)),
    *(("relations", 0, name) for name in ("schema", "name", "reads", "key", "computed")),
    *(("relations", 0, "key", name) for name in ("column", "type", "of")),
    *(("relations", 0, "computed", 0, name) for name in ("name", "reads", "returns")),
    *(("foreign_keys", 0, name) for name in ("name", "from", "columns", "to", "to_columns")),
    *(("functions", 0, name) for name in ("schema", "name", "volatility", "reads", "returns")),
]


@pytest.mark.parametrize("path", REQUIRED, ids=str)
def test_nothing_may_be_left_out(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValueError, match="catalogue"):
        catalogue_in(without(text_of(*WHOLE), *path))


@pytest.mark.parametrize("value", [7, True, {}, "x", [["a"]], [["a", "b", "c"]]], ids=str)
@pytest.mark.parametrize("path", [path for path in REQUIRED if path[-1] == "reads"], ids=str)
def test_reads_are_pairs_of_names(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(ValueError, match="catalogue"):
        catalogue_in(with_(text_of(*WHOLE), value, *path))


@pytest.mark.parametrize("path", REQUIRED, ids=str)
def test_a_number_is_never_right(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValueError, match="catalogue"):
        catalogue_in(with_(text_of(*WHOLE), 7, *path))


@pytest.mark.parametrize("letter", ["i", "s", "v"])
def test_each_volatility_is_known(letter: str) -> None:
    (found,) = catalogue_of(function("f", volatility=letter)).functions["public", "f"]
    assert found.volatility == letter


def test_a_fault_shows_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"catalogue has it: .'wrong': '1'"):
        catalogue_in(with_(text_of(*WHOLE), {"wrong": 1}, "relations", 0, "name"))


def test_a_volatility_is_one_of_three() -> None:
    with pytest.raises(ValueError, match="catalogue"):
        catalogue_in(with_(text_of(*WHOLE), "x", "functions", 0, "volatility"))


def test_whether_it_is_a_view_is_true_or_false() -> None:
    with pytest.raises(ValueError, match="catalogue"):
        catalogue_in(with_(text_of(*WHOLE), "no", "relations", 0, "view"))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "[" * 10_000, '"\ud800"'])
def test_other_texts_are_no_catalogue(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the JSON parser has messages of its own
        catalogue_in(text)
