"""What `npm start` makes of the project's own config.toml."""

from __future__ import annotations

import tomllib

import pytest

from local.supabase_project import local_config


def schemas(setting: str, *exposed: str) -> list[str]:
    """Return the schemas that the API serves here, where a config.toml has this line."""
    config = f"""
[api]
enabled = true
{setting}
port = 1

[auth]
enabled = true
"""
    api = tomllib.loads(local_config(config, port=5, exposed=exposed))["api"]
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
    """The first one is what a request without a profile reads."""
    assert schemas(setting, "crm", "public") == ["agenda", "public", "crm"]


def test_without_a_list_it_is_public() -> None:
    """A schema may have any name."""
    assert schemas("", 'größe "5"\\ 😀') == ["public", 'größe "5"\\ 😀']
