"""What the alarm does, whatever fails."""

from __future__ import annotations

import pytest
from world import LIST, World, settle

from edge_cache.errors import ConfigurationError
from edge_cache.refresher.host import Host, wake


async def test_an_alarm_carries_out_what_is_pending(world: World) -> None:
    """Without any request."""
    world.host.known.demand.note(LIST)
    await world.host.backlog.record([])
    await wake(lambda: world.host, world.storage, now_ms=world.clock.now_ms, log=world.log)
    await settle()
    assert world.source.count(LIST.key) == 1


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (ConfigurationError(["SUPABASE_URL is missing."]), "configuration"),
        (KeyError("x"), "internal-error"),
    ],
)
async def test_an_alarm_that_fails_comes_again(world: World, error: Exception, slug: str) -> None:
    """The runtime would give up after six times."""

    def host() -> Host:
        raise error

    await wake(host, world.storage, now_ms=world.clock.now_ms, log=world.log)
    assert world.due_in_ms == 10_000
    event, fields = world.events[-1]
    assert (event, fields["type"]) == ("alarm_failed", slug)
    assert fields["detail"]


async def test_an_alarm_for_a_table_that_is_not_served_any_more_does_nothing(
    world: World,
) -> None:
    """Its changes wait until it is."""
    await wake(lambda: None, world.storage, now_ms=world.clock.now_ms, log=world.log)
    assert world.storage.due is None
    assert world.events == []
