"""What operators ask, who have the secret: `/entry/…`, `/entries`, `/touches` and others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from urllib.parse import parse_qsl, unquote

from edge_cache import messages
from edge_cache.changes import Change
from edge_cache.config import PassThrough, Settings
from edge_cache.errors import NotFound, RequestError
from edge_cache.messages import Answer, Request
from edge_cache.ports import TABLE, Log, Refreshing, Touched
from edge_cache.reasons import PassedOn, Reason
from edge_cache.resources import Resource, resource_at
from edge_cache.supabase.changed_rows import change_named
from edge_cache.tables import Target
from edge_cache.worker import explaining, metrics, supabase_paths
from edge_cache.worker.explaining import Explainer
from edge_cache.worker.health import shown
from edge_cache.worker.public import Public

QUERIES_PATH = "/queries"
TOUCHES_PATH = "/touches"
ENTRIES_PATH = "/entries"
_ENTRIES_METHODS = "DELETE, OPTIONS"
_TOUCHES_METHODS = "GET, HEAD, POST, OPTIONS"
_ENTRY_METHODS = "GET, HEAD, DELETE, OPTIONS"

_CHECK = "Check the name."

Route = tuple[str, Callable[[], Awaitable[Answer]]]
"""The methods of a route, and what answers. The caller finds out whether the request may ask."""


class Operators:
    """Answers at these routes. Every one of them raises EdgeCacheError."""

    def __init__(
        self,
        settings: Settings,
        refresher: Refreshing,
        public: Public,
        explainer: Explainer,
        log: Log,
    ) -> None:
        self._settings = settings
        self._refresher = refresher
        self._public = public
        self._explainer = explainer
        self._log = log

    def route_of(self, request: Request) -> Route | None:
        """Return the route of a request, or None if its path is none of these."""
        about = explaining.asked_about(request, self._settings.anon_key)
        if about is not None:
            return _ENTRY_METHODS, partial(self._entry, request, about)
        routes: dict[str, Route] = {
            metrics.PATH: (messages.READ_METHODS, self._metrics),
            QUERIES_PATH: (messages.READ_METHODS, self._queries),
            TOUCHES_PATH: (_TOUCHES_METHODS, partial(self._touches, request)),
            ENTRIES_PATH: (_ENTRIES_METHODS, partial(self._entries, request)),
        }
        return routes.get(request.url.route)

    async def _entry(self, request: Request, about: Request) -> Answer:
        """Say what the cache has for another request, or remove it."""
        resource, removes = await self._resource_of(about), request.method == "DELETE"
        if isinstance(resource, PassedOn):
            is_off = self._settings.pass_through == PassThrough.OFF
            done = (
                {"removed": False} if removes else {"worth": "refused" if is_off else "passed on"}
            )
            return messages.json_answer({**done, "detail": resource.why})
        if removes:
            await self._refresher.remove(resource)
            return messages.json_answer({"removed": True})
        return messages.json_answer(await self._explainer.told(resource))

    async def _resource_of(self, about: Request) -> Resource | PassedOn:
        """Return what a request asks for. Its URL may also be a key. Raises NotFound."""
        url, declared, is_call = about.url, self._settings.declared, about.method == "POST"
        api = supabase_paths.api_of(url.route)
        if api != supabase_paths.REST:
            if api is not None and self._settings.pass_through == PassThrough.ALL:
                return PassedOn(Reason.SERVICE)
            found = None if is_call else resource_at(url.route, declared.tables)
        elif ";" in url.path:
            found = explaining.resource_with(url.target, declared)
        else:
            asked = await self._public.called_by(about) if is_call else self._public.asked_by(about)
            return asked if isinstance(asked, PassedOn) else asked.resource
        if found is None:
            raise NotFound("The cache never answers at this path, and no answer has this key.")
        return found

    async def _entries(self, request: Request) -> Answer:
        """Remove some entries of a table, a view or a function: the next ones after a key.

        Without ``after``, what shows a table counts as changed first. So an answer that is read
        meanwhile is not of before.
        """
        asked = _asked(request, "Name what is declared: /entries?table=articles, or rpc/search.")
        name = asked["table"]
        target = _target_named(name, self._settings.declared.targets)
        if target is None:
            raise NotFound(f"{name} is not declared, so it has no entries. {_CHECK}")
        if "after" not in asked and target.is_table:
            await self._refresher.record([Change(target.relation_id)])
        keys = await self._refresher.remove_all(target, asked.get("after", ""))
        last = keys[-1] if keys else None
        return messages.json_answer({"removed": len(keys), "last": last})

    async def _touches(self, request: Request) -> Answer:
        """Say what an edit would make outdated: `?table=articles`, and `&key=7` for one row.

        POST makes it outdated, if the name is a table's. Else everything would be.
        """
        asked = _asked(request, "Name a table: /touches?table=articles, or …&key=7 for one row.")
        change = change_named(asked["table"], asked.get("key"), self._settings.declared.tables)
        touched, relation = await self._refresher.touches(change), unquote(change.relation)
        if request.method == "POST":
            if touched.kind != TABLE:
                raise NotFound(_no_table(relation, touched))
            await self._refresher.record([change])
            self._log("received", table=relation, type="PURGE")
        return messages.json_answer(
            {
                "relation": relation,
                "key": asked.get("key"),
                "kind": touched.kind,
                "reads": list(touched.reads),
                "targets": dict(touched.targets),
            }
        )

    async def _queries(self) -> Answer:
        self._require_counts()
        return messages.json_answer(shown(await self._refresher.queries()))

    async def _metrics(self) -> Answer:
        self._require_counts()
        return metrics.answer(await self._refresher.traffic())

    def _require_counts(self) -> None:
        if not self._settings.counts:
            raise NotFound('Nothing is counted, because COUNTERS is "off".')


def _asked(request: Request, advice: str) -> dict[str, str]:
    """Return a question's parameters. Raises RequestError if the table or one of them is empty.

    What is left out means all, so what is empty must not: it may be a variable that was not set.
    """
    asked = dict(parse_qsl(request.url.query, keep_blank_values=True))
    empty = [name for name, value in {"table": "", **asked}.items() if not value.strip()]
    if empty:
        raise RequestError(f"There is no value for {' or '.join(empty)}. {advice}")
    return asked


def _target_named(name: str, targets: Sequence[Target]) -> Target | None:
    """Return the target with a name, or else one that a person may know by it."""
    own = [one for one in targets if one.name == name]
    known = [one for one in targets if name in {one.path, f"{one.schema}.{one.path}"}]
    return next(iter(own or known), None)


def _no_table(relation: str, touched: Touched) -> str:
    """Return why nothing can be said of the rows of what has this name, and what to do."""
    if touched.kind:
        tables = f": {', '.join(touched.reads)}" if touched.reads else ""
        return f"{relation} is a {touched.kind}. Name a table that it reads{tables}."
    return (
        f"Neither the declaration nor the database's catalogue has a table {relation}. {_CHECK}"
        " `GET /revalidate`, or `npm run purge -- --all`, makes everything outdated."
    )
