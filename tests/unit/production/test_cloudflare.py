"""What Wrangler tells, as `npm run setup` understands it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from production.cloudflare import account_of, address_in, worker_of
from production.plan import Worker
from shared.failure import Failure

ONE, TWO = {"id": "1", "name": "One"}, {"id": "2", "name": "Two"}


def version(tag: str | None, *secrets: str) -> dict[str, Any]:
    """Return a version as Cloudflare's API tells it."""
    bindings = [{"name": name, "type": "secret_text"} for name in secrets]
    plain = {"name": "TABLES", "type": "json"}
    annotations = {"workers/tag": tag} if tag else None
    return {"annotations": annotations, "resources": {"bindings": [*bindings, plain]}}


def test_a_version_is_known_by_its_tag_and_the_names_of_its_secrets() -> None:
    assert worker_of([version("a", "X", "Y")]) == Worker("a", frozenset({"X", "Y"}))
    assert worker_of([version(None)]) == Worker(None, frozenset())


def test_two_versions_that_share_the_traffic_are_none_that_is_known() -> None:
    """A deploy ends that."""
    both = [version("a", "X", "Y"), version("b", "Y")]
    assert worker_of(both) == Worker(None, frozenset({"Y"}))


def test_of_several_accounts_one_has_to_be_chosen() -> None:
    assert account_of([ONE], None) == "One"
    assert account_of([ONE, TWO], "2") == "Two"
    assert account_of([], "2") == "2"  # a token that may not list accounts
    with pytest.raises(Failure, match="CLOUDFLARE_ACCOUNT_ID") as failure:
        account_of([ONE, TWO], None)
    assert "2  Two" in str(failure.value)


@pytest.mark.parametrize(
    ("targets", "address"),
    [
        (["https://a.b.workers.dev", "schedule: * * * * *"], "https://a.b.workers.dev"),
        (["https://a.b.workers.dev", "d.example (custom domain)"], "https://d.example"),
        (["schedule: * * * * *", "d.example/*"], None),
        ([], None),
    ],
)
def test_the_address_is_what_wrangler_tells(targets: list[str], address: str | None) -> None:
    """A domain of one's own comes before Cloudflare's."""
    lines = ({"type": "wrangler-session"}, {"type": "deploy", "targets": targets})
    assert address_in("\n".join(map(json.dumps, lines))) == address
