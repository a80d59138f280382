"""How a key column is written, so that PostgREST reads that column and nothing else."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from edge_cache.supabase.columns import ascending, equals


def decoded(parameter: str) -> tuple[str, str]:
    """Return the only parameter's name and value, as a server reads them."""
    assert parameter.isascii()
    ((name, value),) = parse_qsl(parameter, keep_blank_values=True)
    return name, value


@pytest.mark.parametrize("column", ["id", "Größe", "the key", "$5_a-b", "名前", "selected", "not"])
def test_a_plain_name_is_spelled_as_it_is(column: str) -> None:
    """It has letters of any language, digits, `_` and `$`, with one space or `-` between them."""
    assert decoded(equals(column, "1")) == (column, "eq.1")
    assert decoded(ascending(column)) == ("order", f"{column}.asc")


@pytest.mark.parametrize(
    "column",
    [
        "select",
        "order",
        "limit",
        "offset",
        "columns",
        "on_conflict",
        "and",
        "or",
        "apikey",
        "ApiKey",
    ],
)
def test_a_parameters_name_is_quoted_in_a_filter(column: str) -> None:
    """A filter would take it for that parameter. In `order` it can only be a column."""
    assert decoded(equals(column, "1")) == (f'"{column}"', "eq.1")
    assert decoded(ascending(column)) == ("order", f"{column}.asc")


@pytest.mark.parametrize(
    ("column", "quoted"),
    [
        ("a.order", '"a.order"'),
        ("a->b", '"a->b"'),
        ("a,b(c)", '"a,b(c)"'),
        ("5%&=+;#", '"5%&=+;#"'),
        ('a"b\\c', r'"a\"b\\c"'),
        (" a", '" a"'),
        ("a -b", '"a -b"'),
        ("a--b", '"a--b"'),
        ("x²", '"x²"'),
        ("a:b\n", '"a:b\n"'),
    ],
)
def test_any_other_name_is_quoted(column: str, quoted: str) -> None:
    """PostgREST's grammar says: a backslash escapes, and quotes hold a whole name."""
    assert decoded(equals(column, "1")) == (quoted, "eq.1")
    assert decoded(ascending(column)) == ("order", f"{quoted}.asc")


@pytest.mark.parametrize(
    "value", ["", "a,b(c)", 'q"\\', "1&id=neq.1", "100%", "a+b", "ü 😀", "eq.x"]
)
def test_a_value_is_spelled_as_it_is(value: str) -> None:
    """PostgREST takes everything after `eq.` as the value."""
    assert decoded(equals("order", value)) == ('"order"', f"eq.{value}")
