"""Changes are kept until they are carried out, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from edge_cache.errors import ConfigurationError, UpstreamTimeout
from edge_cache.refresher.backlog import Backlog
from edge_cache.refresher.host import Host, wake
from edge_cache.refresher.pending import Pending
from edge_cache.refresher.refresher import Refresher
from edge_cache.refresher.state import State
from edge_cache.resources import TABLES, Table


class Storage:
    """A Durable Object's storage that outlives the object."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.due: int | None = None

    def get(self, key: str) -> str | None:
        """Return a text."""
        return self.texts.get(key)

    def put(self, key: str, text: str) -> None:
        """Keep a text."""
        self.texts[key] = text

    def delete(self, key: str) -> None:
        """Remove a text."""
        self.texts.pop(key, None)

    def list(self, prefix: str) -> dict[str, str]:
        """Return texts."""
        return {key: text for key, text in self.texts.items() if key.startswith(prefix)}

    async def alarm(self) -> int | None:
        """Return when the alarm is due."""
        return self.due

    async def set_alarm(self, at_ms: int) -> None:
        """Set the alarm."""
        self.due = at_ms


class Remote:
    """What the backlog asks of a refresher, and how that goes."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.applied: list[Pending] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def may_exist(self, _row_id: str) -> None:
        """Take note."""

    async def apply(self, changes: Pending) -> None:
        """Refresh, or fail."""
        self.meanwhile()
        if self.error:
            raise self.error
        self.applied.append(changes)


def backlog_on(storage: Storage, remote: Remote) -> Backlog:
    """Return a backlog, as a restarted object would."""
    refresher = cast("Refresher", remote)
    return Backlog(TABLES[0], refresher, storage, now_ms=lambda: 1000, log=lambda *_, **__: None)


def test_a_recorded_change_is_safe_and_due() -> None:
    """Before anything is answered."""
    storage = Storage()
    asyncio.run(backlog_on(storage, Remote()).record(["1"]))
    assert storage.due == 1000
    assert set(backlog_on(storage, Remote()).pending.rows) == {"1"}


def test_a_failure_keeps_the_change_and_sets_the_next_alarm() -> None:
    """Also one that nobody expected."""
    for error in (UpstreamTimeout("slow"), KeyError("bug")):
        storage, remote = Storage(), Remote()
        remote.error = error
        backlog = backlog_on(storage, remote)
        asyncio.run(backlog.record(["1"]))
        asyncio.run(backlog.run())
        assert storage.due is not None
        assert storage.due > 1000
        assert not backlog_on(storage, remote).pending.is_empty


def test_a_success_forgets_the_change() -> None:
    """In storage too."""
    storage, remote = Storage(), Remote()
    backlog = backlog_on(storage, remote)
    asyncio.run(backlog.record(["1"]))
    asyncio.run(backlog.run())
    assert [set(changes.rows) for changes in remote.applied] == [{"1"}]
    assert backlog_on(storage, remote).pending.is_empty


def test_a_change_that_comes_meanwhile_is_carried_out_next() -> None:
    """The alarm is set for it."""
    storage, remote = Storage(), Remote()
    backlog = backlog_on(storage, remote)
    asyncio.run(backlog.record(["1"]))
    storage.due = None
    late = backlog.pending.with_change(["2"])

    def come() -> None:
        backlog.pending = late

    remote.meanwhile = come
    asyncio.run(backlog.run())
    assert set(backlog_on(storage, remote).pending.rows) == {"2"}
    assert storage.due == 1000


def test_while_it_fails_more_changes_do_not_bring_the_alarm_forward() -> None:
    """A burst of webhooks is no burst of attempts."""
    storage, remote = Storage(), Remote()
    remote.error = UpstreamTimeout("slow")
    backlog = backlog_on(storage, remote)
    asyncio.run(backlog.record(["1"]))
    asyncio.run(backlog.run())
    due = storage.due
    asyncio.run(backlog.record(["2"]))
    assert storage.due == due


def test_an_alarm_that_finds_no_configuration_comes_again() -> None:
    """The runtime would give up after six times."""
    storage = Storage()

    def host_of(_table: Table) -> Host:
        raise ConfigurationError(["SUPABASE_URL is missing."])

    asyncio.run(wake(host_of, storage, now_ms=lambda: 1000, log=lambda *_, **__: None))
    assert storage.due == 61_000


def test_an_alarm_runs_the_backlog() -> None:
    """Of every table."""
    storage, remote = Storage(), Remote()
    backlog = backlog_on(storage, remote)
    asyncio.run(backlog.record(["1"]))
    host = Host(cast("Refresher", remote), backlog, State(storage))
    asyncio.run(wake(lambda _: host, storage, now_ms=lambda: 1000, log=lambda *_, **__: None))
    assert len(remote.applied) == 1
