"""`edge_cache.check()` on a real Postgres: what the declared objects read that nobody watches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import Pglite, pglite
from sound import DECLARED, SOUND, found

from shared import edge_sql

NOT_WATCHED = "It is declared, or read by what is declared, but is not watched."


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database in which nothing is wrong, with the script."""
    with pglite() as database:
        database.run(SOUND + edge_sql.installing(DECLARED))
        yield database


@pytest.fixture
def database(installed: Pglite) -> Iterator[Pglite]:
    """Return it in a transaction that is taken back."""
    with installed.taken_back():
        yield installed


FAULTS = [
    (
        (
            "create sequence numbers;"
            " create or replace view latest as select recent.* from recent, numbers"
        ),
        "public.latest",
        (
            "It reads public.numbers, through view public.latest. That is a sequence: its changes"
            " fire no trigger."
        ),
    ),
    (
        """create or replace view latest as select recent.* from recent
           where table_to_xml('others', true, true, '') is not null""",
        "public.latest",
        "It calls a function of Postgres that reads what a text names, in public.latest.",
    ),
    (
        "create domain named as latest",
        "public.latest",
        (
            "It reads public.latest. The database can convert its rows, by a domain or a cast, to"
            " what we do not follow."
        ),
    ),
    (
        "insert into edge_cache.declared values ('watch', 'public', 'parts_1')",
        "public.parts_1",
        NOT_WATCHED,
    ),
    (
        "create or replace view latest as select recent.* from recent join fresh using (id)",
        "public.fresh",
        NOT_WATCHED,
    ),
    (
        (
            "create view hidden as select * from fresh;"
            " create or replace view latest as select recent.* from recent join hidden using (id)"
        ),
        "public.fresh",
        NOT_WATCHED,
    ),
    (
        (
            "create materialized view old as select * from others;"
            " create or replace view latest as select recent.* from recent join old using (id)"
        ),
        "public.latest",
        (
            "It reads public.old, through view public.latest. That is a materialised view: its"
            " changes fire no trigger."
        ),
    ),
    (
        """create policy "By events" on agenda."Events" for select to anon
           using (exists (select from fresh where id = 1))""",
        "public.fresh",
        NOT_WATCHED,
    ),
    (
        """create function allowed() returns boolean language sql stable as 'select true';
           create policy calling on agenda."Events" using (allowed())""",
        'agenda."Events"',
        (
            'It calls public.allowed(), through policy calling of agenda."Events". The database'
            " does not know what that reads."
        ),
    ),
    (
        (
            "create or replace function double(n bigint) returns bigint language sql stable"
            " as 'select 2 * n'"
        ),
        "public.double",
        "The database does not know what this function reads.",
    ),
    (
        (
            "create or replace function find() returns setof articles language sql begin atomic"
            " select articles.* from articles join fresh using (id); end"
        ),
        "public.fresh",
        NOT_WATCHED,
    ),
    (
        """create function name(articles) returns text language sql stable
             as 'select name from authors limit 1'""",
        "public.articles",
        (
            "It calls public.name(public.articles), through computed column name of"
            " public.articles. The database does not know what that reads."
        ),
    ),
    (
        """create function count(authors) returns bigint language sql stable begin atomic
             select count(*) from fresh; end""",
        "public.fresh",
        NOT_WATCHED,
    ),
    (
        """create policy here on articles for select to anon
           using (current_setting('request.headers', true) is null)""",
        "public.articles",
        (
            "It reads request.headers, through policy here of public.articles. The request that"
            " fills the cache has no values of a reader there."
        ),
    ),
    (
        """create or replace view latest as select recent.* from recent
           where current_setting('request.method') = current_setting('request.path')""",
        "public.latest",
        (
            "It reads request.method, request.path, through view public.latest. The request that"
            " fills the cache has no values of a reader there."
        ),
    ),
    (
        """create function shop() returns text language plpgsql immutable as $$ begin
             return current_setting('request.cookies')::json ->> 'shop'; end $$;
           create or replace view recent as select articles.*, name from articles
             join authors using (id) where title = shop()""",
        "public.latest",
        (
            "It reads request.cookies, through function public.shop(). The request that fills"
            " the cache has no values of a reader there."
        ),
    ),
]


@pytest.mark.parametrize(("fault", "name", "finding"), FAULTS)
def test_each_fault_is_found(database: Pglite, fault: str, name: str, finding: str) -> None:
    """With the object that it is of, in a sentence."""
    assert (name, finding) in found(database, fault)


def test_a_foreign_table_fires_no_trigger(database: Pglite) -> None:
    """Whether it is declared, or read by a view."""
    fault = """
        create foreign data wrapper nobody; create server elsewhere foreign data wrapper nobody;
        create foreign table far (id bigint) server elsewhere;
        create or replace view latest as select recent.* from recent join far using (id);
        drop table parts; create foreign table parts (id bigint) server elsewhere;
    """
    findings = found(database, fault)
    assert (
        "public.latest",
        (
            "It reads public.far, through view public.latest. That is a foreign table: its"
            " changes fire no trigger."
        ),
    ) in findings
    assert ("public.parts", "It is a foreign table. Its changes fire no trigger.") in findings


def test_a_materialised_view_is_told_of_once(database: Pglite) -> None:
    """What it reads does not matter: it shows that only when it is refreshed."""
    declared = """
        drop view latest; create materialized view latest as select * from others;
        grant select on latest to anon
    """
    finding = "It is a materialised view. Its changes fire no trigger."
    assert found(database, declared) == [("public.latest", finding)]


SOUND_COLUMNS = """
  create function own(articles) returns text language sql stable begin atomic select $1.title; end;
  create function hidden(articles) returns text language sql stable as 'select name from authors';
  revoke execute on function hidden from public;
  create function other(others) returns text language sql stable as 'select 1';
  create function claims() returns text language sql stable
    begin atomic select current_setting('request.jwt.claims'); end;
  create policy claimed on articles for select using (claims() = '')
"""


def test_columns_that_nobody_reads_and_claims_are_no_fault(database: Pglite) -> None:
    """Nor is a computed column that looks at its own row alone."""
    assert found(database, SOUND_COLUMNS) == []


def test_what_overloads_have_in_common_is_said_once(database: Pglite) -> None:
    """The API calls either by the same name."""
    overloads = """
        create function double(n text) returns text language sql stable as 'select n';
        create function double(n int) returns int language sql stable as 'select n'
    """
    finding = ("public.double", "The database does not know what this function reads.")
    assert found(database, overloads) == [finding]


def test_functions_of_some_extensions_are_known_to_read_no_table(database: Pglite) -> None:
    """Those that compare, convert or measure."""
    fault = """
        create function measured() returns boolean language sql stable as 'select true';
        create policy measuring on articles for select using (measured());
        alter extension plpgsql add function measured();
        update pg_extension set extname = 'unaccent' where extname = 'plpgsql';
    """
    assert found(database, fault) == []
