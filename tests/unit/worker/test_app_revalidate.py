"""`/revalidate`: who may, what is revalidated, and what becomes of a webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from faked_edge import (
    ARTICLES,
    BEARER,
    PRODUCTS,
    SECRET,
    FakedWorker,
    problem_of,
    slug_of,
    webhook,
)
from faked_ports import (
    NOW_MS,
    members,
)

from edge_cache.errors import (
    RefresherUnavailable,
    UpstreamTimeout,
)
from edge_cache.supabase.webhook import MAX_BYTES
from edge_cache.tables import Table


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="revalidate"'),
        ({"authorization": "Bearer x"}, 'Bearer realm="revalidate", error="invalid_token"'),
    ],
)
def test_without_the_secret_nothing_is_done(
    edge: FakedWorker, method: str, headers: dict[str, str], challenge: str
) -> None:
    """Not even the body is read."""
    answer = edge.ask(method, "/revalidate", headers, webhook())
    assert (answer.status, answer.headers["www-authenticate"]) == (401, challenge)
    assert slug_of(answer) == "unauthorized"
    assert (edge.limits, edge.refresher.asked) == ([], [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_no_secret_is_set_only_this_machine_may(edge: FakedWorker, method: str) -> None:
    """Elsewhere it is 503, before the body is read."""
    edge.secret = None
    refused = edge.ask(method, "/revalidate", BEARER, webhook())
    assert (refused.status, slug_of(refused)) == (503, "secret-not-configured")
    assert (edge.limits, edge.refresher.asked) == ([], [])
    assert edge.ask(method, "http://localhost:8787/revalidate", body=webhook()).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_no_secret_is_set_no_page_of_another_site_may(edge: FakedWorker, method: str) -> None:
    """With the secret, it is the secret that decides."""
    url, foreign = "http://localhost:8787/revalidate", {"origin": "https://example.com"}
    assert edge.ask(method, url, BEARER | foreign, webhook()).status == 200
    edge.secret = None
    edge.limits.clear()
    edge.refresher.asked.clear()
    refused = edge.ask(method, url, foreign, webhook())
    assert (refused.status, slug_of(refused)) == (403, "foreign-origin")
    assert (edge.limits, edge.refresher.asked) == ([], [])


def test_a_get_revalidates_every_table_and_the_project(edge: FakedWorker) -> None:
    """Once each, and then says that it was received."""
    answer = edge.ask("GET", "/revalidate", BEARER)
    assert (answer.status, members(answer.body)) == (200, {"received": True})
    assert answer.headers["cache-control"] == "no-store"
    assert edge.refresher.asked == [
        ("revalidate", "articles"),
        ("revalidate", "products"),
        ("revalidate", ""),
    ]
    assert edge.log.lines == [{"event": "revalidated", "tables": ["articles", "products"]}]
    assert edge.limits == []


def test_tables_are_revalidated_side_by_side(edge: FakedWorker) -> None:
    """Who asks waits for the slowest, not for the sum."""
    edge.ask("GET", "/revalidate", BEARER)
    assert edge.refresher.most_at_once == 3


def test_a_table_that_fails_does_not_keep_the_others_from_being_revalidated(
    edge: FakedWorker,
) -> None:
    """All are asked and waited for; then the error of the first that failed is the answer."""
    edge.tables = (ARTICLES, PRODUCTS, Table("notes"))
    edge.refresher.slow = {"articles": 1, "products": 2}
    edge.refresher.failing = {
        "articles": UpstreamTimeout("Slow."),
        "notes": RefresherUnavailable("No."),
    }
    answer = edge.ask("GET", "/revalidate", BEARER)
    assert (answer.status, slug_of(answer)) == (504, "supabase-timeout")
    assert edge.refresher.asked == [
        ("revalidate", "articles"),
        ("revalidate", "products"),
        ("revalidate", "notes"),
        ("revalidate", ""),
    ]
    assert edge.refresher.at_once == 0
    assert edge.events() == ["refused"]


def test_an_unexpected_exception_of_a_revalidation_is_a_500(edge: FakedWorker) -> None:
    """It does not pass for success."""
    edge.refresher.failing["products"] = ZeroDivisionError("private")
    answer = edge.ask("GET", "/revalidate", BEARER)
    assert (answer.status, slug_of(answer)) == (500, "internal-error")
    assert edge.events() == ["internal_error", "refused"]


def test_a_webhook_is_passed_on(edge: FakedWorker) -> None:
    """Only what changed, to the table and the project; once both have it, it is received."""
    answer = edge.ask("POST", "/revalidate", BEARER, webhook(record={"id": 8}))
    assert (answer.status, members(answer.body)) == (200, {"received": True})
    assert edge.refresher.asked == [("record", "articles", ("8", "7")), ("record", "", ())]
    assert edge.limits == [MAX_BYTES]
    assert edge.log.lines == [{"event": "received", "table": "articles", "type": "UPDATE"}]


def test_the_project_is_told_a_notification_s_number_last(edge: FakedWorker) -> None:
    """What it knows to be recorded is not asked for again, so the table must have it."""
    notification = webhook(keys=None, id=17)
    assert edge.ask("POST", "/revalidate", BEARER, notification).status == 200
    assert edge.refresher.asked == [("record", "articles", None), ("record", "", (), 17)]
    edge.refresher.asked.clear()
    edge.refresher.failing["articles"] = RefresherUnavailable("No.")
    assert edge.ask("POST", "/revalidate", BEARER, notification).status == 503
    assert edge.refresher.asked == [("record", "articles", None)]


def test_the_previous_secret_is_taken_while_there_is_one(edge: FakedWorker) -> None:
    """Beside the new one, so that there is no gap while it is replaced."""
    previous = {"authorization": "Bearer old"}
    assert edge.ask("POST", "/revalidate", previous, webhook()).status == 401
    edge.previous_secret = "old"
    assert edge.ask("POST", "/revalidate", previous, webhook()).status == 200
    assert edge.ask("GET", "/revalidate", BEARER).status == 200
    assert edge.ask("GET", "/revalidate", {"authorization": "Bearer older"}).status == 401


def signed(body: bytes, *, secret: str = SECRET, at_s: int = NOW_MS // 1000) -> dict[str, str]:
    """Return the headers of a body that the project's triggers send."""
    digest = hmac.digest(secret.encode(), b"17.%d.%s" % (at_s, body), hashlib.sha256)
    return {
        "webhook-id": "17",
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def test_a_signed_webhook_needs_no_token(edge: FakedWorker) -> None:
    """It is taken as one with the token is; the previous secret signs, too."""
    edge.previous_secret = "old"
    for secret in (SECRET, "old"):
        edge.refresher.asked.clear()
        answer = edge.ask("POST", "/revalidate", signed(webhook(), secret=secret), webhook())
        assert (answer.status, members(answer.body)) == (200, {"received": True})
        assert edge.refresher.asked == [("record", "articles", ("7",)), ("record", "", ())]
    assert edge.limits == [MAX_BYTES] * 2


@pytest.mark.parametrize("token", [{}, BEARER])
def test_what_is_signed_wrong_changes_nothing(edge: FakedWorker, token: dict[str, str]) -> None:
    """Nobody looks into the body, which need not be JSON."""
    wrong = signed(webhook(), secret="wrong") | token
    for body in (webhook(), b"no JSON"):
        answer = edge.ask("POST", "/revalidate", wrong, body)
        assert (answer.status, slug_of(answer)) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == 'Bearer realm="revalidate"'
    assert edge.refresher.asked == []


def test_a_body_with_an_old_signature_is_not_even_read(edge: FakedWorker) -> None:
    """The Worker's clock decides."""
    old = signed(webhook(), at_s=NOW_MS // 1000 - 301)
    assert edge.ask("POST", "/revalidate", old, webhook()).status == 401
    assert (edge.limits, edge.refresher.asked) == ([], [])


def test_a_signature_does_not_lift_the_limit_of_a_body(edge: FakedWorker) -> None:
    """The limit holds before the body is hashed."""
    assert edge.ask("POST", "/revalidate", signed(webhook()), None).status == 413


def test_a_signature_opens_no_get(edge: FakedWorker) -> None:
    """It says that a body is the project's, and a GET has none."""
    assert edge.ask("GET", "/revalidate", signed(b"")).status == 401


def test_where_no_secret_is_set_a_signature_proves_nothing(edge: FakedWorker) -> None:
    """Only this machine may then, whatever it signs with."""
    edge.secret = None
    assert edge.ask("POST", "/revalidate", signed(webhook()), webhook()).status == 503
    local = "http://localhost:8787/revalidate"
    assert edge.ask("POST", local, signed(webhook()), webhook()).status == 200


@pytest.mark.parametrize("others", [{"table": "users"}, {"schema": "private"}])
def test_a_webhook_of_another_table_is_the_projects(
    edge: FakedWorker, others: dict[str, object]
) -> None:
    """A view or a function may read that table; its name, which may be anything, is not logged."""
    answer = edge.ask("POST", "/revalidate", BEARER, webhook(**others))
    assert (answer.status, members(answer.body)) == (200, {"received": True})
    assert edge.refresher.asked == [("record", "", ())]
    assert edge.log.lines == [{"event": "received", "table": "another", "type": "UPDATE"}]


@pytest.mark.parametrize("scope", ["articles", ""])
def test_a_webhook_that_cannot_be_recorded_is_not_received(edge: FakedWorker, scope: str) -> None:
    """The answer is the error."""
    edge.refresher.failing[scope] = RefresherUnavailable("No.")
    answer = edge.ask("POST", "/revalidate", BEARER, webhook())
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert edge.events() == ["refused"]


def test_a_webhook_that_is_too_large_is_413(edge: FakedWorker) -> None:
    """It says how large one may be."""
    answer = edge.ask("POST", "/revalidate", BEARER, None)
    assert (answer.status, slug_of(answer)) == (413, "payload-too-large")
    assert problem_of(answer)["detail"] == "A payload may have at most 10485760 bytes."
    assert edge.refresher.asked == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"x", webhook(type="SELECT")])
def test_a_body_that_is_no_webhook_is_400(edge: FakedWorker, body: bytes) -> None:
    """Nothing is recorded."""
    answer = edge.ask("POST", "/revalidate", BEARER, body)
    assert (answer.status, slug_of(answer)) == (400, "bad-payload")
    assert edge.refresher.asked == []
