"""The project that `npm start` makes from the user's `supabase` folder."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from local import supabase_project


def schemas(setting: str, *exposed: str) -> list[str]:
    """Return the schemas that the local API serves if config.toml has this line."""
    config = f"""
[api]
enabled = true
{setting}
port = 1

[auth]
enabled = true
"""
    made = supabase_project.local_config(config, port=5, exposed=exposed, jwt_secret="secret")
    api = tomllib.loads(made)["api"]
    assert (api["enabled"], api["port"]) == (True, 5)
    found: list[str] = api["schemas"]
    return found


@pytest.mark.parametrize(
    "setting",
    [
        'schemas = ["agenda", "public"]',
        'schemas=["agenda","public"] # ours',
        'schemas = [\n  "agenda",\n  "public",\n]',
    ],
)
def test_the_projects_own_schemas_are_served_first(setting: str) -> None:
    """A request that names no schema reads the first one."""
    assert schemas(setting, "crm", "public") == ["agenda", "public", "crm"]


def test_without_a_list_it_is_public() -> None:
    """A schema may have any name."""
    assert schemas("", 'größe "5"\\ 😀') == ["public", 'größe "5"\\ 😀']


def test_a_database_that_was_not_finished_is_made_again(tmp_path: Path) -> None:
    """If it was finished, the next start keeps its rows."""
    supabase_project.copy_project(supabase_project.SOURCE, tmp_path, port=1, exposed=())
    data = tmp_path / "supabase" / ".temp" / "data"
    for is_finished in (False, True):
        data.mkdir(parents=True)
        if is_finished:
            supabase_project.applied_stamp(tmp_path).write()
        supabase_project.copy_project(supabase_project.SOURCE, tmp_path, port=1, exposed=())
        assert data.exists() is is_finished
