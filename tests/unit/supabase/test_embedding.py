"""Which other relations a query names."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from edge_cache.supabase.embedding import MAX_DEPTH, MAX_EMBEDS, Asked, Embed, asked_in


def asked(**parameters: str) -> Asked | None:
    """Return what a query with these parameters names."""
    return asked_in("&".join(f"{name}={quote(value)}" for name, value in parameters.items()))


def embeds(select: str, **more: str) -> tuple[Embed, ...] | None:
    """Return what a ``select`` embeds, or None if that is not understood."""
    found = asked(select=select, **more)
    return found.embeds if found else None


def test_a_query_without_parameters_names_nothing() -> None:
    found = asked_in("")
    assert found is not None
    assert (found.embeds, found.filters) == ((), ())


@pytest.mark.parametrize(
    "select",
    [
        "",
        "*",
        "id,title",
        " id , title ",
        "id, *",
        "first name,last-name,a$b,_x,ü",
        "count()",
        "total:count()",
        "count()::text",
        "amount.sum(),amount.avg()::int,x:amount.max(),amount::float4.min()::text,amount.count()",
        "amount::text,x:amount::int8",
        "data->a,data->>a,data->0->>b,data->-1,data->a-b->>c::text,x:data->>'odd key!'",
        'data->"(",data->>"a(b)"',
        '"quoted (name)","with \\" and \\\\"',
        '"a":"b"',
        "count",
    ],
)
def test_columns_and_aggregates_embed_nothing(select: str) -> None:
    assert embeds(select) == ()


@pytest.mark.parametrize(
    ("select", "found"),
    [
        ("authors(*)", Embed("authors")),
        ("id,authors(name),title", Embed("authors")),
        ("authors()", Embed("authors")),
        ("...authors(name)", Embed("authors")),
        (" ...authors(name) , id", Embed("authors")),
        ("writer:authors(name)", Embed("authors", "writer")),
        ("authors!inner(name)", Embed("authors")),
        ("authors!left(name)", Embed("authors")),
        ("authors!author_id(name)", Embed("authors", hint="author_id")),
        ("authors!author_id!inner(name)", Embed("authors", hint="author_id")),
        ("authors!inner!author_id(name)", Embed("authors", hint="author_id")),
        ('w:authors!"an id"!left(*)', Embed("authors", "w", "an id")),
        ('"the (authors)"(*)', Embed("the (authors)")),
        ('"a \\" b"(*)', Embed('a " b')),
        ("co - authors(*)", Embed("co-authors")),
        ("authors (*)", Embed("authors")),
        ("authors(*) \t ,id", Embed("authors")),
        ("authors(count())", Embed("authors")),
        ("authors(amount.sum())", Embed("authors")),
        ('"a":"b"!"c"(*)', Embed("b", "a", "c")),
    ],
)
def test_a_relation_with_parentheses_is_embedded(select: str, found: Embed) -> None:
    assert embeds(select) == (found,)


def test_several_are_embedded_at_any_depth() -> None:
    assert embeds("a(b(*),id,...c!x(d(*) ,e())),f(*),count()") == (
        Embed(
            "a",
            inner=(Embed("b"), Embed("c", hint="x", inner=(Embed("d"), Embed("e")))),
        ),
        Embed("f"),
    )


@pytest.mark.parametrize(
    "select",
    [
        "a(",
        "a(*",
        "a(b(*)",
        "a(*))",
        "id)",
        "a,",
        "a(b,)",
        ",a",
        "a,,b",
        "a(*)b",
        "a.b",
        "a.b(*)",
        "a.total()",
        "a->b(*)",
        "count(*)",
        "x:count(*)",
        "...count(*)",
        "...a",
        "...x:a(*)",
        "x:y:a(*)",
        "a!b",
        "a!(*)",
        "a!b!c(*)",
        "a!b!inner!c(*)",
        "a!leftover(*)",
        "a!inner_id(*)",
        "a::mood",
        "count()::mood",
        "a.sum()::mood",
        "a::text(*)",
        "'a'",
        '"a',
        '"a"b',
        "a;b",
        "a(*)::text",
        "a\n",
        "*(a)",
    ],
)
def test_what_is_not_understood_is_nothing_certain(select: str) -> None:
    assert embeds(select) is None


def test_a_nested_select_is_understood_up_to_a_depth() -> None:
    def nested(depth: int) -> str:
        return "a(" * depth + ")" * depth

    assert embeds(nested(MAX_DEPTH))
    assert embeds(nested(MAX_DEPTH + 1)) is None
    assert embeds("(" * 8000) is None


def test_a_select_is_understood_if_it_embeds_few_relations() -> None:
    assert len(embeds(",".join(["a()"] * MAX_EMBEDS)) or ()) == MAX_EMBEDS
    assert embeds(",".join(["a()"] * (MAX_EMBEDS + 1))) is None


@pytest.mark.parametrize("odd", [" ", "-", "- ", "a-", "a ", '"', '\\"', "->", "a:", "!", "(", ")"])
def test_no_text_takes_long(odd: str) -> None:
    """A regular expression that tries again from each place would not end here."""
    text = odd * (16_000 // len(odd))
    for one in (text, f"a{text}", f"a({text}", f"a:{text}", f'"{text}'):
        asked(select=one, order=one)
        asked_in(f"{quote(one)}=eq.1")


def test_of_two_selects_none_is_certain() -> None:
    assert asked_in("select=id&select=id") is None


@pytest.mark.parametrize(
    "order",
    ["id", "id.desc", "a.asc.nullslast , b.nullsfirst", "data->>a.desc", '"a,b".asc', "a-b"],
)
def test_an_order_by_columns_embeds_nothing(order: str) -> None:
    assert embeds("*", order=order) == ()


@pytest.mark.parametrize(
    "order",
    [
        "authors(name)",
        "id.asc,authors(name).desc.nullsfirst",
        'authors(data->>"a")',
        '"authors"(name)',
    ],
)
def test_an_order_by_a_relation_embeds_it(order: str) -> None:
    assert embeds("*", order=order) == (Embed("authors"),)


def test_an_order_by_what_is_embedded_embeds_nothing_else() -> None:
    for select in ("authors(*)", "authors:people(*)", "x:authors(*)"):
        assert len(embeds(select, order="authors(name)") or ()) == 1


def test_an_order_by_two_relations_embeds_both() -> None:
    assert embeds("*", order="b(x),a(y)") == (Embed("a"), Embed("b"))


@pytest.mark.parametrize(
    "order", ["", "id.up", "a(b", "a(b,c)", "a(b)c", "id,", "a(b(c))", "a;b", "id.desc.asc"]
)
def test_an_order_that_is_not_understood_is_nothing_certain(order: str) -> None:
    assert embeds("*", order=order) is None


@pytest.mark.parametrize(
    "name",
    [
        "authors.name",
        "authors.order",
        "authors.limit",
        "authors.or",
        "authors.not.and",
        "w.name",
        '"authors".x',
    ],
)
def test_a_parameter_may_name_what_is_embedded(name: str) -> None:
    assert asked_in(f"select=w:authors(*)&{quote(name)}=name") is not None
    assert asked_in(f"select=id&{quote(name)}=name") is None


def test_a_parameter_may_name_what_is_nested() -> None:
    select = "select=a(b(*))"
    assert asked_in(f"{select}&a.b.name=eq.1") is not None
    assert asked_in(f"{select}&b.name=eq.1") is None
    assert asked_in(f"{select}&a.c.name=eq.1") is None


def test_an_order_within_what_is_embedded_names_only_what_is_embedded_there() -> None:
    assert asked_in("select=a(b(*))&a.order=b(name)") is not None
    assert asked_in("select=a(*),b(*)&a.order=b(name)") is None
    assert asked_in("select=a(*)&a.order=b(name).") is None


@pytest.mark.parametrize(
    "name", ["or", "and", "not.or", "not.and", "limit", "offset", "id", '"a.b"', "data->>a", "a b"]
)
def test_other_parameters_embed_nothing(name: str) -> None:
    found = asked_in(f"{quote(name)}=eq.1")
    assert found is not None
    assert found.embeds == ()


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "a(b)", '"a', "a;b"])
def test_a_parameter_that_is_not_understood_is_nothing_certain(name: str) -> None:
    assert asked_in(f"{quote(name)}=eq.1") is None


def test_filters_are_decoded() -> None:
    found = asked_in("a=eq.x%2By&b=eq.%C3%BC%26")
    assert found is not None
    assert found.filters == (("a", "eq.x+y"), ("b", "eq.ü&"))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("select=full_name", "full_name"),
        ("full_name=eq.1", "full_name"),
        ("or=(full_name.eq.1)", "full_name"),
        ("order=full_name.desc", "full_name"),
        ("select=full%20name", "full name"),
        ("select=full%20-%20name", "full-name"),
        ("select=%22a%5C%22b%22", 'a"b'),
        ("select=%22a%20-%20b%22", "a - b"),
    ],
)
def test_it_mentions_a_name_in_any_spelling(parameters: str, name: str) -> None:
    found = asked_in(parameters)
    assert found is not None
    assert found.mentions(name)
    assert not found.mentions("short_name")
