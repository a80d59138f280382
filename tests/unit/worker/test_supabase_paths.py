"""Which paths belong to Supabase."""

from __future__ import annotations

import pytest

from edge_cache.worker.supabase_paths import api_of, logged


@pytest.mark.parametrize("rest", ["", "/articles", "/rpc/any", "//x"])
@pytest.mark.parametrize("api", ["rest", "auth", "storage", "functions", "graphql", "realtime"])
def test_a_path_belongs_to_an_api(api: str, rest: str) -> None:
    """The path itself belongs to it, and every path below."""
    assert api_of(f"/{api}/v1{rest}") == f"/{api}/v1"


@pytest.mark.parametrize(
    "path",
    ["/", "/rest", "/rest/v2/x", "/rest/v1x", "/v1/rest", "/x/rest/v1", "/Rest/v1", "//rest/v1"],
)
def test_any_other_path_belongs_to_none(path: str) -> None:
    """It may look very much like one."""
    assert api_of(path) is None


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/rest/v1/articles", "/rest/v1/articles"),
        ("/rest/v1/rpc/any", "/rest/v1/rpc"),
        ("/rest/v1", "/rest/v1"),
        ("/auth/v1/user", "/auth/v1"),
        ("/storage/v1/object/private/a.png", "/storage/v1"),
        ("/graphql/v1", "/graphql/v1"),
        ("/articles/7/a/b/c", "/articles/7/a/b/c"),
    ],
)
def test_a_log_has_the_beginning_alone(path: str, shown: str) -> None:
    """The rest may name a user or a file. Paths of the Worker itself are logged whole."""
    assert logged(path) == shown
