"""The command itself, as far as it asks nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from production import source
from production.__main__ import NO_TERMINAL, main
from production.carrying_out import Execution
from production.cloudflare import Cloudflare
from production.finding import environment_of
from production.names import SECRET, VAULT_SECRET, VAULT_URL, WORKER_URL
from production.plan import Known
from production.steps import WriteMigration, WritePaste
from shared import edge_sql
from shared.failure import Failure

CONFIG = """
name = "cache"
[env.staging.vars.TABLES]
articles = {}
[env.production]
name = "mine"
account_id = "1"
[env.production.vars.TABLES]
articles = {}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the wrangler.toml of a clone."""
    (tmp_path / "src" / "__pycache__").mkdir(parents=True)
    (tmp_path / "src" / "entry.py").write_text("")
    path = tmp_path / "wrangler.toml"
    path.write_text(CONFIG)
    return path


def test_without_a_terminal_it_does_nothing_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not even ask Cloudflare."""
    monkeypatch.setattr("sys.argv", ["setup", "--env", "production"])
    with pytest.raises(Failure) as failure:
        main()
    assert str(failure.value) == NO_TERMINAL


def test_an_environment_has_wranglers_name_and_account(config: Path) -> None:
    assert source.worker_name(config, "staging") == "cache-staging"
    assert source.worker_name(config, "production") == "mine"
    assert source.account_id(config, "staging") is None
    assert source.account_id(config, "production") == "1"


def test_everything_that_is_bundled_makes_another_version(config: Path) -> None:
    """Names count, too. What Python leaves behind does not."""
    before = source.source_digest(config)
    entry = config.parent / "src" / "entry.py"
    (entry.parent / "__pycache__" / "entry.pyc").write_text("")
    assert source.source_digest(config) == before
    moved = entry.rename(entry.with_name("other.py"))
    assert source.source_digest(config) != before
    moved.rename(entry).write_text("x")
    assert source.source_digest(config) != before
    entry.write_text("")
    config.write_text(CONFIG + "\n[observability]")
    assert source.source_digest(config) != before


def test_the_tag_is_as_long_as_cloudflare_allows(config: Path) -> None:
    """Values in another order are the same."""
    one, other = {"A": "1", "B": "2"}, {"B": "2", "A": "1"}
    assert source.secrets_digest("w", one) == source.secrets_digest("w", other)
    assert source.secrets_digest("w", one) != source.secrets_digest("v", one)
    assert len(f"{source.source_digest(config)}-{source.secrets_digest('w', one)}") == 25


def test_what_cannot_be_done_from_here_is_left_to_a_person(config: Path) -> None:
    """The secret is in the file to paste, which is private, and not in the migration."""
    folder = config.parent / "supabase" / "migrations"
    folder.mkdir(parents=True)
    environment = environment_of(config, "production")
    known = Known({SECRET: "it's secret", WORKER_URL: "https://a.example"}, Path("unused"))
    told: list[str] = []
    execution = Execution(environment, known, told.append)
    both = (VAULT_URL, VAULT_SECRET)
    execution.all([WriteMigration(folder), WritePaste(both, has_script=True)])
    (migration,) = folder.iterdir()
    assert migration.read_text() == environment.script
    pasted = environment.paste.read_text()
    entries = {VAULT_URL: "https://a.example/revalidate", VAULT_SECRET: "it's secret"}
    assert pasted == f"{edge_sql.vault(entries)}\n{environment.script}"
    assert environment.paste.stat().st_mode & 0o777 == 0o600
    assert [left.partition(" ")[0] for left in execution.left] == ["Push", "Paste"]
    assert told == ["1/2  Writing a migration …", "2/2  Writing a file for the SQL editor …"]


def test_a_config_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"wrangler\.toml cannot be read"):
        environment_of(tmp_path / "wrangler.toml", "production")
    assert Cloudflare(tmp_path, "a", None).account_id is None
