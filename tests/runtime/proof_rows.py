"""What the API makes of rows: computed columns, handlers, and what Postgres converts."""

from __future__ import annotations

from proof import Case

PAIR = "create type pair as (a int, b int);"

WHO = (
    "create function who({}) returns uuid language sql stable begin atomic select auth.uid(); end;"
)

TITLE = "create function who({}) returns int language sql immutable begin atomic select 1; end;"

PAIRS = """create function f() returns setof pair language sql stable
  begin atomic select 1, 2; end;"""

TABLE = """create function f() returns table (a int) language sql stable
  begin atomic select 1; end;"""

HIDDEN = """create schema hidden; create table hidden.rows (id int);
  create function f() returns setof hidden.rows language sql stable
  begin atomic select 1; end;"""

TEXT = """create function who({}) returns uuid language plpgsql {}
  as 'begin return auth.uid(); end';"""

DOMAIN = "create domain named as t;"

CAST = """create function as_text(t) returns text language sql immutable as 'select $1.title';
  create cast (t as text) with function as_text(t) as implicit;"""

T_ROWS = """create function f() returns setof t language sql stable
  begin atomic select * from t; end;"""

COMPUTED: list[Case] = [
    ("f", PAIR + PAIRS, None),
    ("f", PAIR + TITLE.format("pair") + PAIRS, None),
    ("f", PAIR + WHO.format("pair") + TABLE, None),
    *(
        ("f", PAIR + WHO.format(given) + PAIRS, f"function public.who({said}) looks at auth.uid()")
        for given, said in (
            ("pair", "public.pair"),
            ("pair, n int default 1", "public.pair,integer"),
            ("variadic pair[]", "public.pair[]"),
        )
    ),
    *(
        (
            "f",
            PAIR + TEXT.format(given, "stable") + rows,
            f"the API calls public.who({said}), whose",
        )
        for given, said in (
            ("record", "record"),
            ("anyelement", "anyelement"),
            ("anycompatible", "anycompatible"),
            ("variadic anyarray", "anyarray"),
        )
        for rows in (PAIRS, TABLE)
    ),
    (
        "f",
        TEXT.format("record", "volatile") + TABLE,
        "the API calls public.who(record), which is volatile",
    ),
    ("f", TEXT.format("record", "immutable") + TABLE, None),
    ("f", TEXT.format("text", "stable") + TABLE, None),
    ("f", HIDDEN + WHO.format("hidden.rows"), "function public.who(hidden.rows) looks at"),
    # These are asked for by the relation.
    ("f", WHO.format("t") + T_ROWS, None),
    ("t", WHO.format("variadic t[]"), None),
    # What is not followed.
    ("t", DOMAIN, "public.named is a domain of rows of public.t"),
    ("t", DOMAIN + "create domain again as named", "public.again is a domain of rows of"),
    ("t", CAST, "a cast converts rows of public.t to text"),
    ("u", DOMAIN + CAST, None),
    ("f", DOMAIN + T_ROWS, "public.named is a domain of rows of public.t"),
    ("f", CAST + T_ROWS, "a cast converts rows of public.t to text"),
    (
        "f",
        PAIR
        + """create domain named as pair;
             create function f() returns setof named language sql stable
               begin atomic select row(1, 2)::pair::named; end""",
        "public.named is a domain of rows of public.pair",
    ),
    (
        "more",
        "create table more () inherits (t); grant select on more to anon, authenticated;" + DOMAIN,
        "public.named is a domain of rows of public.more",
    ),
]

HANDLER = """create domain "{}" as text;
  create function step("{}", {}) returns "{}" language sql immutable as 'select $1';"""


def handler(media_type: str, of: str) -> str:
    """Return an aggregate of rows that makes the text of an answer."""
    aggregate = f'create aggregate as_text({of}) (sfunc = step, stype = "{media_type}");'
    return HANDLER.format(media_type, media_type, of, media_type) + aggregate


FINISHED = """create domain "text/csv" as text;
  create function step(text, t) returns text language sql immutable as 'select $1';
  create function done(text) returns "text/csv" language sql immutable as 'select $1';
  create aggregate as_text(t) (sfunc = step, stype = text, finalfunc = done);"""

BY_T = "public.as_text(public.t) makes the answer (a media type handler)"

BY_ANY = "public.as_text(anyelement) makes the answer (a media type handler)"

HANDLERS: list[Case] = [
    *(("t", handler(name, "t"), BY_T) for name in ("text/csv", "application/json", "*/*")),
    ("t", FINISHED, BY_T),
    ("u", handler("text/csv", "t"), None),
    ("f", handler("text/csv", "t") + TABLE, None),
    ("f", handler("text/csv", "t") + T_ROWS, BY_T),
    *(
        (name, handler("*/*", "anyelement") + rows, BY_ANY)
        for name, rows in (("t", ""), ("u", ""), ("f", TABLE), ("f", T_ROWS))
    ),
    (
        "f",
        """create domain "image/png" as bytea; create function f() returns "image/png"
             language sql immutable as $$ select ''::bytea $$""",
        "public.f() makes the answer (a media type handler)",
    ),
    ("t", handler("csv", "t"), None),
]
