"""The Worker's variables, checked once."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import pytest

from edge_cache.config import Settings, settings_from
from edge_cache.errors import ConfigurationError
from edge_cache.tables import Table

GOOD = {
    "SUPABASE_URL": "https://abc.supabase.co",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
}


def jwt(role: str) -> str:
    """Return a legacy key of a role."""
    payload = base64.urlsafe_b64encode(json.dumps({"role": role}).encode()).decode().rstrip("=")
    return f"eyJh.{payload}.c2ln"


def settings(variables: Mapping[str, str], *, bound: bool = True) -> Settings:
    """Read settings from a mapping, over good ones."""
    return settings_from({**GOOD, **variables}.get, lambda _name, _method: bound)


def faults(variables: Mapping[str, str], *, bound: bool = True) -> tuple[str, ...]:
    """Return what is wrong with the variables."""
    with pytest.raises(ConfigurationError) as caught:
        settings(variables, bound=bound)
    return caught.value.faults


def test_good_variables_make_settings() -> None:
    """A trailing slash and the default time limit are taken care of."""
    read = settings({"SUPABASE_URL": "https://abc.supabase.co/"})
    assert (read.supabase_url, read.timeout_s) == ("https://abc.supabase.co", 10.0)


def test_a_legacy_anon_key_is_taken() -> None:
    """Projects that have not moved to publishable keys work."""
    assert settings({"SUPABASE_ANON_KEY": jwt("anon")}).anon_key == jwt("anon")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "abc.supabase.co",
        "ftp://abc.supabase.co",
        "https://",
        "https://abc.supabase.co/rest/v1",
        "https://abc.supabase.co?x",
        "https://user:secret@abc.supabase.co",
        "https://abc.supabase.co:port",
        "https://abc supabase.co",
    ],
)
def test_a_wrong_url_is_named_and_not_quoted(url: str) -> None:
    """The fault says what the variable should be."""
    (fault,) = faults({"SUPABASE_URL": url})
    assert fault.startswith("SUPABASE_URL ")
    assert "https://abcdefgh.supabase.co" in fault
    assert "secret" not in fault


@pytest.mark.parametrize("key", ["", "abc", "sb_publishable_x\n", "sb_publishable_ü", "ey.x"])
def test_a_wrong_key_is_named_and_not_quoted(key: str) -> None:
    """The fault says what the variable should be, and never shows what it is."""
    (fault,) = faults({"SUPABASE_ANON_KEY": key})
    assert fault.startswith("SUPABASE_ANON_KEY ")
    assert key == "" or key not in fault


@pytest.mark.parametrize("key", ["sb_secret_x", jwt("service_role")])
def test_a_secret_key_is_refused(key: str) -> None:
    """It would bypass row level security and make every row public."""
    (fault,) = faults({"SUPABASE_ANON_KEY": key})
    assert "bypasses row level security" in fault


@pytest.mark.parametrize("timeout", ["0", "-1", "61", "ten", "nan", "inf"])
def test_a_wrong_time_limit_is_named(timeout: str) -> None:
    """Only a number of seconds in range is taken."""
    (fault,) = faults({"SUPABASE_TIMEOUT_SECONDS": timeout})
    assert fault.startswith("SUPABASE_TIMEOUT_SECONDS ")


def test_all_faults_are_told_at_once() -> None:
    """Nobody likes to mend one to be told of the next."""
    names = [
        f.split()[0] for f in faults({"SUPABASE_URL": "", "SUPABASE_ANON_KEY": ""}, bound=False)
    ]
    assert names == ["SUPABASE_URL", "SUPABASE_ANON_KEY", "ARTICLES", "REFRESHER"]


def test_tables_are_declared() -> None:
    """Without a declaration, the lesson's; with one, those that it names."""
    assert settings({}).tables == (Table("articles"),)
    read = settings({"TABLES": '{"products": {"key": "sku"}}'})
    assert read.tables == (Table("products", key="sku"),)


def test_a_fault_of_the_tables_is_a_fault_of_the_configuration() -> None:
    """It stands among the others."""
    names = [f.split()[0] for f in faults({"SUPABASE_URL": "", "TABLES": "{}"})]
    assert names == ["SUPABASE_URL", "TABLES"]


def test_settings_do_not_show_the_key() -> None:
    """A settings object may end up in a log."""
    assert "sb_publishable" not in repr(settings({}))
