"""`npm run sql`: what it prints for a declaration, and where it writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import sql
from edge_cache.tables import Declared, Table, declared_by
from shared import declarations, edge_sql, migrations
from shared.failure import Failure

OLD = """
[vars.TABLES]
articles = {}

[env.staging.vars.TABLES]
products = { key = "sku" }

[env.production.vars]
TABLES = '{"events": {"schema": "agenda"}}'

[env.empty.vars]
OTHER = 1
"""
"""A wrangler.toml of version 0.2.0, in which each environment declares its own tables."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project whose file declares one table."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "tables.toml").write_text("posts = {}\n")
    (tmp_path / "wrangler.toml").write_text("")
    return tmp_path


def declared(folder: Path, environment: str | None = None) -> Declared:
    """Return what a project declares."""
    return declarations.Project(folder / "wrangler.toml", environment).declared


@pytest.mark.parametrize(
    ("environment", "table"),
    [
        (None, Table("articles")),
        ("staging", Table("products", key="sku")),
        ("production", Table("events", schema="agenda")),
        ("empty", Table("posts")),
    ],
)
def test_an_old_wrangler_toml_still_declares(
    folder: Path, environment: str | None, table: Table
) -> None:
    """Wrangler passes its tables to the Worker as a section or as JSON text."""
    (folder / "wrangler.toml").write_text(OLD)
    assert declared(folder, environment).tables == (table,)


def test_whoever_has_an_old_wrangler_toml_hears_what_to_do(folder: Path) -> None:
    """A new one is not mentioned."""
    assert declarations.old_way(folder / "wrangler.toml") is None
    (folder / "wrangler.toml").write_text(OLD)
    assert declarations.old_way(folder / "wrangler.toml") == (
        "TABLES stands in wrangler.toml (under vars, env.staging.vars, env.production.vars) and"
        " replaces src/tables.toml there. Move its lines to src/tables.toml, which every"
        " environment reads."
    )


def test_the_file_declares_for_every_environment(folder: Path) -> None:
    (folder / "wrangler.toml").write_text("[vars]\nA = 1\n[env.staging.vars]\nA = 2\n")
    assert declared(folder) == declared(folder, "staging") == Declared((Table("posts"),))


@pytest.mark.parametrize(
    ("config", "tables", "environment", "said"),
    [
        (OLD, "", "unknown", "wrangler.toml has no environment 'unknown'"),
        ("[vars", "", None, "wrangler.toml is malformed"),
        ("vars = 1", "", None, "wrangler.toml: vars should be a section"),
        ("[vars.TABLES]\nrest = {}", "", None, "TABLES: 'rest' is declared, but /rest is a route"),
        ("", "a = { key = 1 }", None, "src/tables.toml: a.key should be"),
        ("", "a = {", None, "src/tables.toml is no TOML"),
    ],
)
def test_a_fault_is_one_sentence(
    folder: Path, config: str, tables: str, environment: str | None, said: str
) -> None:
    """The sentence says the way out, and there is no traceback."""
    (folder / "wrangler.toml").write_text(config)
    (folder / "src" / "tables.toml").write_text(tables)
    with pytest.raises(Failure) as failure:
        declared(folder, environment)
    assert said in str(failure.value)
    assert "\n" not in str(failure.value)


def test_everything_declared_is_in_the_script() -> None:
    """It has tables with their keys, watched tables, views and functions. All names are texts."""
    declared = declared_by(
        '{"a-b": {}, "events": {"schema": "agenda$", "key": "Größe$"}, "log": {"watch": true},'
        ' "recent": {"view": true}, "find": {"function": true, "schema": "agenda$"},'
        ' "posts": {"name": "Blog Posts"}, "none": {"function": true, "reads": []},'
        ' "search": {"function": true, "reads": ["it\'s", "a$.Ö"]},'
        ' "a log": {"name": "log", "schema": "Größe", "watch": true}}'
    )
    script = edge_sql.installing(declared)
    assert (
        "insert into edge_cache.declared (kind, schema_name, name, key_column, reads) values\n"
        "  ('table', 'public', 'a-b', 'id', null),\n"
        "  ('table', 'agenda$', 'events', 'Größe$', null),\n"
        "  ('table', 'public', 'Blog Posts', 'id', null),\n"
        "  ('watch', 'public', 'log', null, null),\n"
        "  ('watch', 'Größe', 'log', null, null),\n"
        "  ('view', 'public', 'recent', null, null),\n"
        "  ('function', 'agenda$', 'find', null, null),\n"
        "  ('function', 'public', 'none', null, '[]'),\n"
        """  ('function', 'public', 'search', null, '[["public", "it''s"], ["a$", "Ö"]]');\n"""
    ) in script
    assert "array['agenda$', 'public']::text[]" in script


def test_a_quote_ends_no_text() -> None:
    """A name may contain one."""
    script = edge_sql.installing(Declared((Table("a'b"),)))
    assert "('table', 'public', 'a''b', 'id', null)" in script


def test_only_views_need_no_schema() -> None:
    """The snapshot function then reads no schema."""
    declared = Declared((), frozenset({("recent", "public")}))
    assert "array[]::text[]" in edge_sql.snapshot(declared)


def test_every_file_of_sql_is_in_a_script() -> None:
    scripts = edge_sql.installing(Declared()) + edge_sql.removing()
    for file in edge_sql.FOLDER.glob("*.sql"):
        text = file.read_text().replace(edge_sql.EXPOSED, "array['public']::text[]")
        assert text in scripts, file.name


def test_a_folder_gets_a_migration() -> None:
    """It is named as Supabase's CLI names migrations. If a file is given, that file is used."""
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    folder, file = Path("supabase/migrations"), Path("edge.sql")
    assert migrations.target(folder, "edge_cache", now) == folder / "20260102030405_edge_cache.sql"
    assert migrations.target(file, "edge_cache", now) == file


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the script as the command line does."""
    monkeypatch.setattr("sys.argv", ["sql.py", *arguments])
    return sql.main()


def test_nothing_but_sql_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints the script that installs, or the script that removes."""
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out == edge_sql.installing(declarations.read(None))
    assert run(monkeypatch, "--remove") == 0
    assert capsys.readouterr().out == edge_sql.removing()


def test_what_is_written_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The line also says what to do next. Missing folders are made."""
    folder = tmp_path / "supabase" / "migrations"
    assert run(monkeypatch, "--out", str(folder)) == 0
    (file,) = folder.iterdir()
    assert file.read_text() == edge_sql.installing(declarations.read(None))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Wrote {file}: ")


def test_no_second_migration_where_nothing_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Another declaration, or a removal in between, is a change."""

    def write(name: str, text: str) -> None:
        (tmp_path / name).write_text(text)

    script = edge_sql.installing(declarations.read(None))
    write("20250101000000_edge_cache.sql", "-- of another declaration")
    write("20260101000000_edge_cache.sql", script)
    write("20260102000000_articles.sql", "-- somebody else's")
    assert run(monkeypatch, "--out", str(tmp_path)) == 0
    assert len(list(tmp_path.iterdir())) == 3
    assert "none was written" in capsys.readouterr().out
    write("20260103000000_remove_edge_cache.sql", edge_sql.removing())
    assert run(monkeypatch, "--out", str(tmp_path)) == 0
    assert len(list(tmp_path.iterdir())) == 5


def test_the_script_says_which_it_is() -> None:
    """The database has that as a comment. Other tables make it another script."""
    one, other = Declared((Table("articles"),)), Declared((Table("events"),))
    assert f"comment on schema edge_cache is '{edge_sql.identity(one)}';" in edge_sql.installing(
        one
    )
    assert edge_sql.identity(one) != edge_sql.identity(other)


def test_where_nothing_can_be_written_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It fails with one sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match=r"edge\.sql cannot be written: .+\.$"):
        run(monkeypatch, "--out", str(tmp_path / "file" / "edge.sql"))


def test_a_fault_writes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "edge.sql"
    with pytest.raises(Failure):
        run(monkeypatch, "--env", "unknown", "--out", str(file))
    assert not file.exists()
