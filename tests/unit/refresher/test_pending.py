"""Changes that wait to be carried out."""

from __future__ import annotations

from edge_cache.refresher.backlog import MAX_RETRY_S, retry_s
from edge_cache.refresher.pending import MAX_ROWS, Pending


def test_changes_add_up() -> None:
    """The table and each row count once, however often they changed."""
    pending = Pending().with_change(["1"]).with_change(["2", "1"])
    assert (set(pending.rows), pending.all_rows, pending.count) == ({"1", "2"}, 0, 3)


def test_what_came_in_meanwhile_stays() -> None:
    """Carrying out changes leaves those that came after they were looked at."""
    before = Pending().with_change(["1"]).with_change(["2"])
    after = before.with_change(["2", "3"])
    assert set(after.without(before).rows) == {"2", "3"}
    assert not after.without(before).is_empty
    assert after.without(after).is_empty


def test_many_rows_become_all_rows() -> None:
    """A burst costs a bounded number of reads and writes."""
    pending = Pending()
    for number in range(MAX_ROWS):
        pending = pending.with_change([str(number)])
    assert (len(pending.rows), pending.all_rows) == (MAX_ROWS, 0)
    pending = pending.with_change(["one more"])
    assert (pending.rows, bool(pending.all_rows), pending.count) == ({}, True, 2)
    assert pending.with_change(["another"]).rows == {}


def test_numbers_go_on_after_everything_is_done() -> None:
    """A change after a pause is later than all before it."""
    done = Pending().with_change(["1"])
    assert done.without(done).with_change(["1"]).rows == {"1": 2}


def test_it_survives_a_restart() -> None:
    """What is stored is what is read; nothing stored is nothing pending."""
    pending = Pending().with_change(["1", "ü"])
    assert Pending.from_json(pending.to_json()) == pending
    assert Pending.from_json(None).is_empty


def test_pauses_between_attempts_grow_up_to_a_bound() -> None:
    """Jittered, and without an end."""
    assert [retry_s(n, 1) for n in range(4)] == [1, 2, 4, 8]
    assert retry_s(2, 0) == 2
    assert retry_s(1000, 1) == MAX_RETRY_S
