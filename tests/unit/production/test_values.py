"""The values of an environment: where they come from, and who makes the secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from production import values
from production.names import DATABASE_URL, KEY, SECRET, URL, VAULT_SECRET, WORKER_URL
from production.plan import Database, Worker
from production.values import Values
from shared import variables
from shared.failure import Failure

CONFIG = """
[env.production.vars]
SUPABASE_URL = "https://in.config"
TABLES = { articles = {} }
"""

NOTHING = Values({}, {}, Path(".dev.vars.production"), frozenset())
OLD = Worker(None, frozenset({URL, KEY, SECRET}))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a wrangler.toml, in an environment without variables."""
    for name in (URL, KEY, SECRET, DATABASE_URL, WORKER_URL, "CI"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "wrangler.toml"
    path.write_text(CONFIG)
    return path


def test_the_environment_comes_before_the_file_and_that_before_wrangler_toml(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty variable counts as missing, as in a workflow without that secret."""
    variables.keep(variables.file_of(config, "production"), {KEY: "in file", SECRET: "in file"})
    monkeypatch.setenv(SECRET, "in environment")
    monkeypatch.setenv(KEY, "")
    found = values.values_of(config, "production")
    assert found.values == {URL: "https://in.config", KEY: "in file", SECRET: "in environment"}
    assert found.places[KEY] == ".dev.vars.production"
    assert found.in_config == {URL}
    assert found.known(()).for_the_worker == {KEY: "in file", SECRET: "in environment"}


def test_a_person_is_asked_only_for_what_nobody_has() -> None:
    """The database's address can be left out, so it alone is no reason to ask."""
    assert values.missing(NOTHING, None) == (URL, KEY, DATABASE_URL)
    assert values.missing(NOTHING, OLD) == ()


def test_what_a_person_gives_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty answer leaves the value out. The address with the password is not shown."""
    monkeypatch.setattr("builtins.input", lambda _: " https://a.example ")
    monkeypatch.setattr("getpass.getpass", lambda _: "")
    found = values.ask((URL, DATABASE_URL), NOTHING)
    assert found.values == {URL: "https://a.example"}
    assert found.known(()).to_keep == (URL,)


def test_a_secret_is_made_only_if_there_is_none(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vault's is taken. In CI it would be lost."""
    assert config
    made = values.with_secret(NOTHING, None, Database(None)).known(())
    assert len(made.values[SECRET]) == 64
    assert made.secret_is_new
    assert made.to_keep == (SECRET,)
    in_vault = values.with_secret(NOTHING, OLD, Database(None, {VAULT_SECRET: "vault's"}))
    assert in_vault.values[SECRET] == "vault's"
    assert in_vault.known(()).to_keep == ()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(Failure, match="lost"):
        values.with_secret(NOTHING, None, None)


def test_a_secret_that_only_the_worker_has_is_not_replaced() -> None:
    """Whoever else sends it would be refused. But a database that lacks it needs a person."""
    assert values.with_secret(NOTHING, OLD, None) == NOTHING
    with pytest.raises(Failure, match="not known here, and the database needs the same"):
        values.with_secret(NOTHING, OLD, Database(None))


def test_a_secret_key_is_refused_before_anything_is_done(config: Path) -> None:
    """It would make every row public."""
    found = values.values_of(config, "production").with_value(KEY, "sb_secret_a", "you")
    with pytest.raises(Failure, match="SUPABASE_ANON_KEY") as failure:
        values.check(found, config, "production")
    assert "sb_secret_a" not in str(failure.value)
    assert str(failure.value).endswith("Nothing was changed.")


def test_a_file_of_values_keeps_what_else_it_has(tmp_path: Path) -> None:
    """Each value is read back as it was, whatever it contains. Nobody else may read the file."""
    file = tmp_path / ".dev.vars.production"
    file.write_text("# mine\nA=1\nB=2")
    odd = {"B": "a'b\\1 #$x", "C": '`"', "D": "plain"}
    variables.keep(file, odd)
    assert variables.read(file) == {"A": "1", **odd}
    assert file.read_text().startswith("# mine\nA=1\n")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".dev.vars.a.new").mkdir()
    with pytest.raises(Failure, match=r"^.+\.dev\.vars\.a cannot be written: .+\.$"):
        variables.keep(tmp_path / ".dev.vars.a", {"A": "1"})
    with pytest.raises(Failure, match="line break"):
        variables.keep(tmp_path / ".dev.vars.b", {"A": "1\n2"})
