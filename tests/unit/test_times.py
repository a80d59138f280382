"""How times are shown."""

from __future__ import annotations

from edge_cache.times import rfc3339


def test_a_time_is_shown_in_utc_with_whole_seconds() -> None:
    """The form is that of RFC 3339. 0 means that there is no time."""
    assert rfc3339(1_700_000_000_999) == "2023-11-14T22:13:20+00:00"
    assert rfc3339(0) is None
