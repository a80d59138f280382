"""The order of the checks. If something is missing, it is reported once and not asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace

import httpx

from diagnosis import address, declared, health, installed, others, sample, tables, webhook
from diagnosis.findings import Finding, has_failed, skip
from diagnosis.health import Checkup
from diagnosis.installed import UNWATCHED
from diagnosis.project import Project
from diagnosis.tables import Reading
from diagnosis.worker import Unanswered, Worker
from edge_cache.config import Settings
from edge_cache.tables import PUBLIC

TIMEOUT_S = 10.0
"""A connection, and each piece of an answer, may take this long."""

NOWHERE = ("edge_cache", PUBLIC)
"""Asked for if nothing is declared. The answer that there is no such relation is enough."""

Tell = Callable[[str], None]
"""Prints what is going on if it takes long."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The findings about a project, and its tables that could be read.

    If ``serves`` is false, the public key gets nothing of what is declared.
    """

    findings: list[Finding]
    readings: list[Reading]
    serves: bool


@dataclass(frozen=True, slots=True)
class Examination:
    """A project and its settings, with the places where its variables were found."""

    project: Project
    settings: Settings
    places: Mapping[str, str]

    async def reach(self) -> list[Finding]:
        """Return whether the project answers at all."""
        target, schema = next(iter(self._targets), NOWHERE)
        url = self.settings.supabase_url
        return [await address.check(self.project, target, schema, url, self.places)]

    async def read(self) -> Outlook:
        """Return what the project has, and what is wrong with it."""
        wanted = self.settings.declared
        watched = [one for one in wanted.watched if wanted.target_of(*one) is not None]
        reads, answers, sql = await asyncio.gather(
            asyncio.gather(*(tables.read(self.project, table) for table in wanted.tables)),
            asyncio.gather(
                *(others.check(self.project, *one) for one in sorted(wanted.others)),
                *(others.check_watched(self.project, *one) for one in watched),
            ),
            installed.check(self.project, self.settings.revalidate_secret, wanted),
        )
        pairs = zip(wanted.tables, reads, strict=True)
        judged = [finding for pair in pairs for finding in tables.judge(*pair)]
        failing = {one.subject for one in (*judged, *answers) if has_failed([one])}
        # If a table cannot be read, missing triggers are not its main problem.
        told = [one for one in sql if one.said != UNWATCHED or one.subject not in failing]
        promised = declared.promises(wanted)
        found = [*judged, *answers, *told, *promised]
        readings = [read for read in reads if isinstance(read, Reading)]
        answering = [answer for answer in answers if not has_failed([answer])]
        return Outlook(found, readings, bool(readings or answering or not failing))

    async def compare(
        self, worker: Worker, served: frozenset[str], readings: list[Reading]
    ) -> list[Finding]:
        """Return how the Worker serves what is declared, except tables that it lacks."""
        wanted = self.settings.declared.tables
        lacks = {(table.relation, table.schema) for table in wanted if table.name not in served}
        targets = (target for target in self._targets if target not in lacks)
        return await asyncio.gather(
            *(declared.check(worker, *target, self.settings.anon_key) for target in targets),
            *(sample.check(self.project, worker, read) for read in readings),
        )

    @property
    def _targets(self) -> list[tuple[str, str]]:
        """Name and schema of everything declared that can be read under ``/rest/v1/``."""
        wanted = self.settings.declared
        tables = ((table.relation, table.schema) for table in wanted.tables)
        targets = (*tables, *sorted(wanted.others), *wanted.watched)
        return [target for target in targets if wanted.target_of(*target) is not None]


async def outlook(settings: Settings, places: Mapping[str, str]) -> Outlook:
    """Return what can be known before a Worker runs."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as http:
        examination = Examination(Project(http, settings), settings, places)
        reached = await examination.reach()
        if has_failed(reached):
            return Outlook(reached, [], serves=False)
        seen = await examination.read()
        return replace(seen, findings=[*reached, *seen.findings])


async def findings(
    settings: Settings, places: Mapping[str, str], worker_url: str | None, tell: Tell
) -> AsyncIterator[list[Finding]]:
    """Return the findings, step by step."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as http:
        examination = Examination(Project(http, settings), settings, places)
        worker = Worker(http, worker_url) if worker_url else None
        tell(f"Asking {settings.supabase_url} …")
        asked = asyncio.ensure_future(_checkup(worker, settings))
        reached = await examination.reach()
        yield reached
        readings: list[Reading] = []
        if not has_failed(reached):
            seen = await examination.read()
            readings = seen.readings
            yield seen.findings
        checkup = await asked
        yield checkup.findings
        if worker is None or checkup.tables is None:
            return
        tell(f"Comparing what {worker.url} serves …")
        readings = [read for read in readings if read.table.name in checkup.tables]
        yield await examination.compare(worker, checkup.tables, readings)
        if settings.revalidate_secret and readings:
            tell(f"Sending a webhook, which may take {webhook.DEADLINE_S:.0f} s …")
        yield [await webhook.check(worker, readings, settings.revalidate_secret)]


async def _checkup(worker: Worker | None, settings: Settings) -> Checkup:
    if worker is None:
        return Checkup([skip(health.SUBJECT, "not checked.", "Give its address: --worker URL.")])
    try:
        return health.judge(await worker.health(), settings.declared)
    except Unanswered as error:
        return health.unanswered(str(error))
