"""Tokens as Supabase Auth issues them, with a signature that nobody checks."""

from __future__ import annotations

import base64
import json


def token_at(now_ms: float, **changed: object) -> str:
    """Return a user's token, which is valid for an hour."""
    until = int(now_ms // 1000) + 3600
    claims = {"role": "authenticated", "aud": "authenticated", "exp": until, **changed}
    text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"x.{text}.x"
