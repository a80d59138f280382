"""Asks and changes the project's database: over SUPABASE_DB_URL, or by its API, only asking."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from pg8000.native import Connection, DatabaseError, InterfaceError

from edge_cache.errors import UpstreamError
from edge_cache.supabase.answers import error_code, is_no_function, object_in, require_success
from edge_cache.supabase.api import key_headers
from production.names import VAULT_SECRET, VAULT_URL
from production.plan import Database
from shared.failure import Failure

TIMEOUT_S = 60
DEFAULT_PORT = 5432

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_UNVERIFIED = frozenset({"require", "prefer", "allow"})
_VERIFIED = frozenset({"verify-ca", "verify-full"})

_HOW = (
    "It should be the one of Dashboard → Connect → Session pooler, with the password, such as"
    " postgresql://postgres.abcdefgh:PASSWORD@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"
)

_HAS_VIEW = """
  select case
    when has_schema_privilege(to_regnamespace('edge_cache'), 'usage')
      then to_regclass('edge_cache.missing_triggers') is not null
  end
"""
_SCRIPT = "select obj_description(to_regnamespace('edge_cache'), 'pg_namespace')"
_HAS_VAULT = "select to_regclass('vault.decrypted_secrets') is not null"
_VAULT = f"""
  select name, decrypted_secret from vault.decrypted_secrets
  where name in ('{VAULT_URL}', '{VAULT_SECRET}')
"""  # noqa: S608  ours


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a database's address. ``socket`` is a folder, if the server has no host."""

    user: str
    password: str | None
    host: str
    port: int
    name: str
    socket: str | None
    ssl: ssl.SSLContext | bool


def address_of(url: str) -> Address:
    """Read an address as libpq does. Raises Failure, without the password."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    except ValueError:
        raise Failure(f"SUPABASE_DB_URL is malformed. {_HOW}.") from None
    host = parts.hostname or options.get("host", "")
    if parts.scheme not in {"postgresql", "postgres"} or not host or not parts.username:
        raise Failure(f"SUPABASE_DB_URL is malformed. {_HOW}.")
    is_socket = host.startswith("/")
    return Address(
        unquote(parts.username),
        unquote(parts.password) if parts.password else None,
        host,
        port,
        unquote(parts.path.lstrip("/")) or "postgres",
        f"{host}/.s.PGSQL.{port}" if is_socket else None,
        False if is_socket else _tls(options, is_local=host in _LOCAL),
    )


def _tls(options: dict[str, str], *, is_local: bool) -> ssl.SSLContext | bool:
    """Return how to encrypt: always, except on this machine. Only `verify-…` knows the server.

    Supabase's certificates are its own, so whoever wants them checked gives `sslrootcert`, too.
    """
    mode = options.get("sslmode", "disable" if is_local else "require")
    if mode == "disable" and is_local:
        return False
    if mode in _UNVERIFIED:
        return True
    if mode not in _VERIFIED:
        raise Failure(
            f"SUPABASE_DB_URL has sslmode={mode}: take require, or verify-full with sslrootcert."
        )
    try:
        context = ssl.create_default_context(cafile=options.get("sslrootcert"))
    except OSError as error:
        raise Failure(
            f"The file sslrootcert of SUPABASE_DB_URL cannot be read: {error}."
        ) from error
    context.check_hostname = mode == "verify-full"
    return context


def require_same_project(url: str, database_url: str) -> None:
    """Raise Failure if the two addresses name different projects of Supabase."""
    address = address_of(database_url)
    of_api = _PROJECT.search(urlsplit(url).hostname or "")
    of_database = _PROJECT.search(address.host) or _POOLED.fullmatch(address.user)
    if of_api and of_database and of_api["ref"] != of_database["ref"]:
        raise Failure(
            f"SUPABASE_URL is the project {of_api['ref']}, but SUPABASE_DB_URL is"
            f" {of_database['ref']}: correct one of them. Nothing was changed."
        )


_PROJECT = re.compile(r"(?:^|\.)(?P<ref>[a-z0-9]{20})\.supabase\.")
_POOLED = re.compile(r"[^.]+\.(?P<ref>[a-z0-9]{20})")
"""Where a project's reference stands: in the host, or in the user of the pooler."""


def found(url: str) -> Database:
    """Return what the database has. Raises Failure."""
    with _connected(url) as connection:
        ((has_view,),) = connection.run(_HAS_VIEW)
        ((script,),) = connection.run(_SCRIPT)
        ((has_vault,),) = connection.run(_HAS_VAULT)
        vault = dict(connection.run(_VAULT)) if has_vault else {}
        lacks = (
            script
            and has_view
            and connection.run("select from edge_cache.missing_triggers limit 1")
        )
        return Database(script, vault, lacks_triggers=bool(lacks))


def run(url: str, sql: str) -> list[str]:
    """Run a script, and return its warnings. Raises Failure."""
    with _connected(url) as connection:
        connection.run(sql)
        return [
            notice[b"M"].decode() for notice in connection.notices if notice[b"S"] == b"WARNING"
        ]


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    address = address_of(url)
    try:
        connection = Connection(
            address.user,
            host=address.host,
            database=address.name,
            port=address.port,
            password=address.password or "",  # without one, pg8000 fails where a server wants it
            unix_sock=address.socket,
            ssl_context=address.ssl,
            timeout=TIMEOUT_S,
            application_name="supabase-edge-cache",
        )
    except (InterfaceError, OSError) as error:
        raise Failure(_unreached(address.host, error.__cause__ or error)) from error
    except DatabaseError as error:
        raise Failure(f"The database at {address.host} refuses: {_said(error)}") from error
    try:
        yield connection
    except DatabaseError as error:
        raise Failure(f"The database refuses: {_said(error)}") from error
    except (InterfaceError, OSError) as error:
        raise Failure(f"The connection to the database broke: {error}.") from error
    finally:
        _close(connection)


def _unreached(host: str, why: BaseException) -> str:
    if isinstance(why, ssl.SSLCertVerificationError):
        return (
            f"The database at {host} has a certificate that cannot be verified:"
            f" {why.verify_message}. Give the project's as sslrootcert in SUPABASE_DB_URL."
        )
    return (
        f"The database at {host} cannot be reached: {why}. Take the address of Dashboard → Connect"
        " → Session pooler, which needs no IPv6."
    )


def _close(connection: Connection) -> None:
    try:
        connection.close()
    except (InterfaceError, OSError):
        return  # it is gone already


def _said(error: DatabaseError) -> str:
    """Return Postgres's message and its hint."""
    told = error.args[0]
    texts = (told.get("M"), told.get("H")) if isinstance(told, dict) else (str(told),)
    return " ".join(f"{text.rstrip('.')}." for text in texts if text)


def told_by_api(url: str, key: str, secret: str, hook: str | None) -> Database:
    """Return what the API tells of the database to whoever has the secret. Raises Failure.

    If the secret is accepted, Vault is right: nobody outside can see the address there, but
    `npm run doctor` notices if it is missing.
    """
    asked = {"secret": secret, "after": None}
    address = f"{url.rstrip('/')}/rest/v1/rpc/edge_cache_changes"
    try:
        answer = httpx.post(address, headers=key_headers(key), json=asked, timeout=TIMEOUT_S)
        if is_no_function(answer) or _refuses_secret(answer):
            return Database(None)
        require_success(answer)
        told = object_in(answer).get("script")
    except (httpx.HTTPError, UpstreamError) as error:
        why = error.detail if isinstance(error, UpstreamError) else str(error)
        raise Failure(f"{url} cannot be asked: {why} Nothing was changed.") from error
    vault = {VAULT_SECRET: secret, **({VAULT_URL: hook} if hook else {})}
    return Database(told if isinstance(told, str) else None, vault)


def _refuses_secret(answer: httpx.Response) -> bool:
    return answer.status_code != HTTPStatus.OK and error_code(answer) in {"28P01", "28000"}
