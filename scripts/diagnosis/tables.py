"""Each declared table, read as the Worker reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.findings import Finding, counted, fail, ok, warn
from diagnosis.naming import INSTALL, named, reason, way_out
from diagnosis.project import Project
from edge_cache.errors import UpstreamError
from edge_cache.resources import Resource
from edge_cache.supabase.pages import Page
from edge_cache.supabase.rows import row_ids
from edge_cache.tables import Table

MAX_VALUE_BYTES = 25 * 1024 * 1024
"""Workers KV's limit (https://developers.cloudflare.com/kv/platform/limits/)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A table's first page, and the ``whole`` table unless that would take several pages."""

    table: Table
    first: Page
    whole: Page | None

    @property
    def name(self) -> str:
        """The table's name in SQL."""
        return named(self.table.relation, self.table.schema)

    @property
    def row_ids(self) -> frozenset[str]:
        """The values of the key column that name a row."""
        return row_ids((self.whole or self.first).body, self.table.key)

    @property
    def rows(self) -> Iterator[Resource]:
        """The rows that the Worker serves one by one."""
        rows = (Resource(self.table, row_id) for row_id in sorted(self.row_ids))
        return (row for row in rows if row.is_served)


async def read(project: Project, table: Table) -> Reading | UpstreamError:
    """Return a table as the public key sees it, or the error if it cannot be read."""
    try:
        first = await project.first_page(table)
        whole = first if first.is_whole else await project.snapshot(table)
    except UpstreamError as error:
        return error
    return Reading(table, first, whole)


def judge(table: Table, read: Reading | UpstreamError) -> list[Finding]:
    """Return the findings about a table."""
    if isinstance(read, UpstreamError):
        name = named(table.relation, table.schema)
        return [fail(name, reason(read), way_out(read, name))]
    faults = [*_rows_faults(read), *_key_faults(read), *_size_faults(read)]
    return faults or [ok(read.name, _size(read))]


def _size(read: Reading) -> str:
    page = read.whole or read.first
    rows, size = counted(page.rows, "row"), counted(len(page.body), "byte")
    how = "in one page" if read.first.is_whole else "in one piece by edge_cache_snapshot"
    return f"the public key reads {rows}, {size}, {how}."


def _rows_faults(read: Reading) -> list[Finding]:
    if read.first.total:
        return []
    said = "the public key may read it, but sees no row."
    return [warn(read.name, said, "If some of its rows are public, add a policy that shows them.")]


def _key_faults(read: Reading) -> list[Finding]:
    page, key = read.whole or read.first, read.table.key
    named_rows = len(read.row_ids)
    if named_rows == page.rows:
        return []
    rows, values = counted(page.rows, "row"), counted(named_rows, "value")
    said = f"{key} does not name its rows: there are {rows}, but {values} of it."
    advice = 'Declare a unique, not null column in src/tables.toml, such as { key = "sku" }.'
    return [fail(read.name, said, advice)]


def _size_faults(read: Reading) -> list[Finding]:
    if read.whole is None:
        total, page = counted(read.first.total, "row"), counted(read.first.rows, "row")
        said = f"its {total} do not fit into a page of {page}, so they are not read at one moment."
        return [warn(read.name, said, INSTALL)]
    if len(read.whole.body) > MAX_VALUE_BYTES:
        said = f"its {counted(len(read.whole.body), 'byte')} do not fit into KV's 25 MiB."
        return [warn(read.name, said, "Serve fewer rows or columns with a view.")]
    return []
