"""Which tokens count as a signed-in user's."""

from __future__ import annotations

import base64
import json

import pytest

from edge_cache.worker.sessions import MAX_TOKEN_CHARS, Sessions

NOW_S = 1_700_000_000
CLAIMS: dict[str, object] = {
    "iss": "https://abc.supabase.co/auth/v1",
    "sub": "0b1c2d3e-0000-4000-8000-00000000000f",
    "aud": "authenticated",
    "role": "authenticated",
    "iat": NOW_S - 60,
    "exp": NOW_S + 3540,
    "is_anonymous": False,
}


def token(claims: object) -> str:
    """Return a token with these claims, whose signature is nonsense."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"x"))


def accepts(claims: object, at_s: float = NOW_S) -> bool:
    """Look at a token twice, because it is remembered."""
    sessions = Sessions(lambda: int(at_s * 1000))
    text = token(claims)
    first = sessions.accepts(text)
    assert sessions.accepts(text) is first
    return first


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"is_anonymous": True},
        {"aud": ["authenticated", "other"]},
        {"iss": "https://id.example", "name": "Zoë >?~"},
        {"nbf": NOW_S - 1},
    ],
)
def test_a_users_token_is_accepted(changed: dict[str, object]) -> None:
    assert accepts(CLAIMS | changed)


@pytest.mark.parametrize("left_out", ["is_anonymous", "iat", "iss", "sub"])
def test_some_claims_may_be_missing(left_out: str) -> None:
    assert accepts({name: value for name, value in CLAIMS.items() if name != left_out})


@pytest.mark.parametrize(
    "changed",
    [
        {"role": "service_role"},
        {"role": "anon"},
        {"role": "editor"},
        {"role": ["authenticated"]},
        {"role": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"is_anonymous": "yes"},
        {"exp": None},
        {"exp": str(NOW_S + 60)},
        {"iat": "now"},
        {"nbf": NOW_S + 60},
        {"iat": NOW_S + 60},
    ],
)
def test_another_token_is_not(changed: dict[str, object]) -> None:
    assert not accepts(CLAIMS | changed)


@pytest.mark.parametrize(("at_s", "is_valid"), [(0, True), (29, True), (30, False), (9000, False)])
def test_an_expired_token_is_accepted_for_as_long_as_postgrest_does(
    at_s: float, is_valid: bool
) -> None:
    assert accepts(CLAIMS | {"exp": NOW_S}, NOW_S + at_s) is is_valid


def test_a_remembered_token_expires() -> None:
    now_ms = [NOW_S * 1000]
    sessions = Sessions(lambda: now_ms[0])
    text = token(CLAIMS)
    assert sessions.accepts(text)
    now_ms[0] += 3_600_000
    assert not sessions.accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a.b.c",
        "a.b",
        token([]),
        token("x"),
        token(CLAIMS) + ".x",
        token(CLAIMS).replace(".", ". "),
        token(CLAIMS).replace(".", "..", 1),
        token({**CLAIMS, "name": "x" * MAX_TOKEN_CHARS}),
        token({**CLAIMS, "deep": json.loads("[" * 700 + "]" * 700)}),
    ],
)
@pytest.mark.parametrize("now_ms", [0, NOW_S * 1000])
def test_what_is_no_token_is_not_accepted(text: str, now_ms: int) -> None:
    assert not Sessions(lambda: now_ms).accepts(text)
