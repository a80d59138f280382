"""SUPABASE_DB_URL: how it is read, and that it belongs to the project."""

from __future__ import annotations

import ssl

import pytest

from production.database import address_of, require_same_project
from shared.failure import Failure

POOLER = "aws-0-eu-central-1.pooler.supabase.com"
REF, OTHER = "abcdefghijklmnopqrst", "tsrqponmlkjihgfedcba"


def test_an_address_is_read_as_libpq_does() -> None:
    """A password may have any character, as a percent escape."""
    found = address_of(f"postgresql://postgres.{REF}:p%40%2Fss@{POOLER}:6543/app")
    assert (found.user, found.password) == (f"postgres.{REF}", "p@/ss")
    assert (found.host, found.port, found.name) == (POOLER, 6543, "app")
    assert found.ssl is True
    assert found.socket is None
    short = address_of("postgres://postgres@db.example")
    assert (short.port, short.name, short.password) == (5432, "postgres", None)


def test_a_socket_is_a_folder() -> None:
    found = address_of("postgresql://postgres@/postgres?host=/run/pg")
    assert found.socket == "/run/pg/.s.PGSQL.5432"
    assert found.ssl is False


@pytest.mark.parametrize(
    "url",
    ["", "https://abc.supabase.co", "postgresql://", "postgresql://a:pass@host:x/", "db.host"],
)
def test_a_malformed_address_is_told_without_its_password(url: str) -> None:
    with pytest.raises(Failure, match="is malformed") as failure:
        address_of(url)
    assert "pass@" not in str(failure.value)


def test_only_this_machine_is_asked_without_encryption() -> None:
    """`verify-full` checks the server's name, too. Other modes are refused."""
    assert address_of("postgresql://a@localhost/b").ssl is False
    assert address_of("postgresql://a@localhost/b?sslmode=require").ssl is True
    checked = address_of("postgresql://a@db.example/b?sslmode=verify-full").ssl
    assert isinstance(checked, ssl.SSLContext)
    assert checked.check_hostname
    for mode in ("disable", "sometimes"):
        with pytest.raises(Failure, match=f"sslmode={mode}"):
            address_of(f"postgresql://a@db.example/b?sslmode={mode}")
    with pytest.raises(Failure, match="sslrootcert"):
        address_of("postgresql://a@db.example/b?sslmode=verify-ca&sslrootcert=/none")


@pytest.mark.parametrize(
    "database",
    [
        f"postgresql://postgres.{OTHER}:p@{POOLER}/postgres",
        f"postgresql://a@db.{OTHER}.supabase.co",
    ],
)
def test_another_projects_database_is_refused(database: str) -> None:
    """Else the script would run in staging's, say."""
    with pytest.raises(Failure, match=f"{REF}, but SUPABASE_DB_URL is {OTHER}"):
        require_same_project(f"https://{REF}.supabase.co", database)
    require_same_project(f"https://{OTHER}.supabase.co/", database)
    require_same_project("https://api.example.com", database)  # nobody can tell
