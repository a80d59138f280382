"""What answers depend on, and the ledger's promise to tell the target of changes of that.

Before a read begins, the ledger must have promised to tell each change of what the answer depends
on. Otherwise a change that comes between the read and the promise would never be told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from edge_cache import wire
from edge_cache.changes import Change, Subscribed, Subscription
from edge_cache.declaration import SHARED
from edge_cache.dependencies import EVERYTHING, ON_EVERYTHING, Dependencies, bucket_of
from edge_cache.entries import depends_text
from edge_cache.errors import EdgeCacheError, StoreError
from edge_cache.ports import ANYWAY, OWN, SHOWN, CallObject, Log, Storage, WritableStore
from edge_cache.queries import ROOT
from edge_cache.refresher.single_flight import SingleFlight
from edge_cache.refresher.state import Journal
from edge_cache.resources import Resource
from edge_cache.supabase.catalogue import Catalogue, catalogue_in, declaring
from edge_cache.supabase.embedding import asked_in
from edge_cache.supabase.resolving import (
    is_read_only,
    is_shared,
    keyed_relation,
    query_dependencies,
    row_dependencies,
    table_dependencies,
)
from edge_cache.tables import Table, Target

_KEY = "catalogue"

MAX_TEXT_CHARS = 350
"""KV's metadata have room for this much. If an answer depends on more, it depends on everything."""


_REMEMBERED = 1000
"""At most this many paths stay resolved. To resolve one takes a millisecond or less."""


class Subscriber:
    """Resolves what a target's answers depend on, and subscribes to that.

    It calls ``when_outdated`` if it finds out that everything is outdated.
    """

    def __init__(  # noqa: PLR0913  its collaborators, nothing else
        self,
        target: Target,
        journal: Journal,
        *,
        storage: Storage,
        store: WritableStore,
        call: CallObject,
        signed_in: Mapping[tuple[str, str], str],
        log: Log,
    ) -> None:
        self._target = target
        self._name = target.schema, target.path
        self._signed_in = signed_in
        self._journal = journal
        self._storage = storage
        self._store = store
        self._call = call
        self._log = log
        self.when_outdated: Callable[[], None] = lambda: None
        self._resolved: dict[str, Dependencies] = {}
        self._calls = 0
        self._flights = SingleFlight(self._subscribe, lambda: self._calls)
        self._wanted: set[str] = set()
        self._recording: set[asyncio.Task[None]] = set()
        self._catalogue = self._parsed(storage.get(_KEY) or "")
        if journal.state.fingerprint and self._catalogue is None:
            journal.note(replace(journal.state, fingerprint="", is_settled=False))

    @property
    def keyed(self) -> str | None:
        """The relation whose rows the target tells apart by their keys, or None."""
        return keyed_relation(*self._name, self._catalogue)

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations that the target depends on. A table always depends on its own rows.

        Another Worker may have written entries of a table that nobody has asked this one for.
        """
        own = {self.keyed} if self.keyed else set[str]()
        if isinstance(self._target, Table):
            own.add(self._target.relation_id)
        return tuple(sorted(own | self._journal.state.relations.keys()))

    def depends(self, resource: Resource) -> Dependencies:
        """Return what a resource's answer depends on, by the catalogue that is known."""
        path = resource.path
        depends = self._resolved.get(path)
        if depends is None:
            depends = _fitting(self._dependencies(resource), self.keyed)
            self._resolved[path] = depends
            if len(self._resolved) > _REMEMBERED:
                del self._resolved[next(iter(self._resolved))]
        return depends

    def _dependencies(self, resource: Resource) -> Dependencies:
        depends = _dependencies(resource, self._catalogue)
        if self._catalogue is None and self._is_declared_shared and resource.query is not None:
            asked = asked_in(resource.query.parameters)
            return replace(depends, is_shared=asked is not None and not asked.embeds)
        return depends

    @property
    def _is_declared_shared(self) -> bool:
        return self._signed_in.get(self._name) == SHARED

    def is_touched(self, resource: Resource, change: Change) -> bool:
        """Return whether a change would make a resource's answer outdated."""
        depends = self.depends(resource)
        if {change.relation, EVERYTHING} & {*depends.relations} or change.relation == EVERYTHING:
            return True
        if change.relation != self.keyed or not depends.keys:
            return False
        return change.keys is None or bool(depends.buckets & set(map(bucket_of, change.keys)))

    def how(self, change: Change) -> str:
        """Return how the target depends on a change: a word of `Touched`."""
        if change.relation == self._target.relation_id:
            return OWN
        is_named = change.relation in self.relations and change.relation != EVERYTHING
        return SHOWN if is_named else ANYWAY

    def needed(self, resource: Resource) -> int:
        """Return the number that a resource's answer needs: below that, it is outdated."""
        depends = self.depends(resource)
        return self._journal.state.versions.needed(depends.relations, depends.buckets)

    @property
    def is_shared(self) -> bool:
        """Whether signed-in readers get the same of the target itself as all others."""
        if self._catalogue is None:
            return self._is_declared_shared
        return is_shared(*self._name, self._catalogue)

    def is_read_only(self, resource: Resource) -> bool:
        """Return whether Supabase changes nothing when the resource is read.

        PostgREST answers a GET in a read-only transaction, and also a POST that calls a function
        which is STABLE or IMMUTABLE.
        https://docs.postgrest.org/en/stable/references/transactions.html#access-mode
        """
        query = resource.query
        if query is None or not query.arguments:
            return True
        return self._catalogue is not None and is_read_only(query, self._catalogue)

    async def ready(self, resource: Resource) -> Dependencies:
        """Return the same, once the ledger tells each change of that.

        Raises RefresherUnavailable.
        """
        while True:
            depends = self.depends(resource)
            named = set(depends.relations)
            if depends.keys and self.keyed:
                named.add(self.keyed)
            state = self._journal.state
            if state.is_settled and named <= state.relations.keys():
                return depends
            self._wanted |= named
            self._calls += 1
            await self._flights.join("", self._calls)

    def refuse(self) -> None:
        """Have all of the target's own rows outdated, because PostgREST refuses its table now."""
        if self.keyed:
            recording = asyncio.ensure_future(self._record(Change(self.keyed)))
            self._recording.add(recording)  # asyncio itself keeps only a weak reference
            recording.add_done_callback(self._recording.discard)

    async def _record(self, change: Change) -> None:
        try:
            body = wire.changes_text([change])
            await wire.ask(self._call, wire.LEDGER, wire.RECORD, body=body)
        except EdgeCacheError as error:
            self._log("record_failed", type=error.slug, detail=error.detail)

    async def _subscribe(self, _: str, _call: int) -> None:
        wanted, self._wanted = self._wanted, set()
        state = self._journal.state
        asked = Subscription(
            self._target.name,
            tuple(sorted({*self.relations, *wanted})),
            state.number,
            state.life,
            state.fingerprint,
        )
        answer = await wire.ask(self._call, wire.LEDGER, wire.SUBSCRIBE, body=asked.to_json())
        got = Subscribed(**await wire.value_of(answer))
        if got.catalogue is not None:
            self._storage.put(_KEY, got.catalogue)
            self._catalogue = self._parsed(got.catalogue)
            self._resolved.clear()
        is_first = not state.life and not await self._has_entries()
        now = self._journal.state
        # If the ledger told something meanwhile, its catalogue may be another one by now.
        is_settled = now.changed == state.changed
        known = replace(now.subscribed(got, asked.relations), is_settled=is_settled)
        if is_first and is_settled:
            # Nothing is in KV, so nobody needs to know that everything before is outdated.
            known = replace(known, changed=0, published=0, refreshed=0)
        self._journal.note(known)
        if not self._journal.state.is_published:
            self.when_outdated()

    async def _has_entries(self) -> bool:
        """Return whether KV can have entries of this target, or of one with a longer name."""
        prefixes = [f"/{self._target.name}"]
        if isinstance(self._target, Table):
            prefixes.append(f"{ROOT}{self._target.relation}")
        try:
            found = [await self._store.entries(prefix, at_most=1) for prefix in prefixes]
        except StoreError:
            return True
        return any(found)

    def _parsed(self, text: str) -> Catalogue | None:
        try:
            return declaring(catalogue_in(text), self._signed_in) if text else None
        except ValueError:
            self._log("catalogue_unreadable", target=self._target.name)
            return None


def _fitting(depends: Dependencies, keyed: str | None) -> Dependencies:
    """Return dependencies that fit into an entry's metadata, or a few that include them."""
    if _fits(depends):
        return depends
    if depends.keys and keyed:
        depends = Dependencies(depends.relations | {keyed}, is_shared=depends.is_shared)
    return depends if _fits(depends) else replace(ON_EVERYTHING, is_shared=depends.is_shared)


def _fits(depends: Dependencies) -> bool:
    relations, buckets = tuple(depends.relations), tuple(depends.buckets)
    return len(depends_text(relations, buckets)) <= MAX_TEXT_CHARS


def _dependencies(resource: Resource, catalogue: Catalogue | None) -> Dependencies:
    """Return what a resource's answer depends on."""
    if resource.query is not None:
        return query_dependencies(resource.query, catalogue, is_table=resource.target.is_table)
    table = resource.table
    relation = table.schema, table.relation
    if resource.row_id is None:
        return table_dependencies(relation, catalogue)
    return row_dependencies(relation, resource.row_id, catalogue)
