"""The objects' side of `edge_cache.wire`: they do what the Worker and other objects ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from edge_cache import tracing, wire
from edge_cache.changes import Notice, Subscription
from edge_cache.errors import EdgeCacheError, NotFound
from edge_cache.messages import Answer, json_answer
from edge_cache.ports import Log
from edge_cache.refresher.bookkeeping import Bookkeeping
from edge_cache.refresher.host import Host
from edge_cache.resources import Resource, resource_from
from edge_cache.tables import Declared
from edge_cache.traffic import counts_in
from edge_cache.unexpected import reported

HostOf = Callable[[], Awaitable[Host | Bookkeeping | None]]
"""Returns the object's parts, or None if its target is not declared. Raises EdgeCacheError."""

Text = Callable[[], Awaitable[str]]


async def serve(
    url: str, text: Text, declared: Callable[[], Declared], hosted: HostOf, log: Log
) -> Answer:
    """Carry out one request inside an object. An error becomes an answer that carries it."""
    resource: Resource | None = None
    try:
        with reported(log):
            verb, number, path, trace = wire.request_in(url)
            tracing.hand_on(trace)
            host = await hosted()
            if isinstance(host, Bookkeeping):
                return await _of_ledger(verb, number, host, text)
            resource = resource_from(path, declared()) if path else None
            if host is None or (path and resource is None):
                raise NotFound("The refresher knows no such table.")
            if resource is not None:
                return await _of_resource(verb, number, resource, host)
            return await _of_target(verb, host, text)
    except EdgeCacheError as error:
        is_query = resource is not None and resource.query is not None
        return wire.error_answer(error, with_reply=is_query)


async def _of_resource(verb: str, number: int, resource: Resource, host: Host) -> Answer:
    if resource.target != host.known.target:
        raise EdgeCacheError("The request is for another object.")
    asked = verb.removesuffix(wire.SHARED)
    if asked in {wire.FILL, wire.REFILL}:
        has_stale, has_session = asked == wire.REFILL, verb != asked
        filled = await host.fills.fill(
            resource, version=number, has_stale=has_stale, has_session=has_session
        )
        return wire.filled_answer(filled)
    if verb == wire.RENEW:
        await host.fills.renew(resource, number)
        return Answer(204)
    if verb == wire.REMOVE:
        await host.reads.remove(resource)
        return Answer(204)
    raise _unknown_verb()


async def _of_target(verb: str, host: Host, text: Text) -> Answer:
    if verb == wire.STATUS:
        return json_answer(host.status())
    if verb == wire.TOUCHES:
        (change,) = wire.changes_in(await text())
        return json_answer(host.touches(change))
    if verb == wire.REMOVE_ALL:
        return json_answer(await host.removal.remove(await text()))
    if verb == wire.CHECK:
        return json_answer(await host.revalidation.check())
    if verb == wire.CHANGED:
        heard = await host.revalidation.hear(Notice.of(await text()))
        return Answer(200, {}, heard.to_json().encode())
    if verb == wire.RENEW_ALL:
        heard = await host.revalidation.revalidate(Notice.of(await text()))
        return Answer(200, {}, heard.to_json().encode())
    raise _unknown_verb()


async def _of_ledger(verb: str, number: int, ledger: Bookkeeping, text: Text) -> Answer:
    if verb == wire.SUBSCRIBE:
        subscribed = await ledger.subscribe(Subscription.of(await text()))
        return Answer(200, {}, subscribed.to_json().encode())
    if verb in (wire.STATUS, wire.TRAFFIC, wire.QUERIES, wire.TOUCHES):
        return json_answer(await _told_by(ledger, verb, text))
    if verb == wire.CATCH_UP:
        return json_answer(await ledger.catch_up())
    if verb == wire.RECORD:
        changes = wire.changes_in(await text())
        await (ledger.written(changes) if number else ledger.record(changes))
    elif verb == wire.POKE:
        ledger.feed.poke()
    elif verb == wire.COUNT:
        ledger.count(counts_in(await text()))
    elif verb == wire.REVALIDATE:
        await ledger.revalidate()
    else:
        raise _unknown_verb()
    return Answer(204)


async def _told_by(ledger: Bookkeeping, verb: str, text: Text) -> dict[str, object]:
    """Return the ledger's answer to a question that changes nothing."""
    if verb == wire.TOUCHES:
        (change,) = wire.changes_in(await text())
        return ledger.touches(change)
    told = {
        wire.STATUS: ledger.status,
        wire.TRAFFIC: ledger.counted,
        wire.QUERIES: ledger.queries.told,
    }
    return told[verb]()


def _unknown_verb() -> EdgeCacheError:
    return EdgeCacheError("The refresher does not know this verb.")
