"""What the name of a relation stands for, by the declaration and by the database's catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from edge_cache.dependencies import relation_id
from edge_cache.ports import FUNCTION, TABLE, UNKNOWN, VIEW
from edge_cache.supabase.catalogue import Catalogue, Name, Reads
from edge_cache.tables import Declared

_CALL = "rpc/"


def _declared_tables(declared: Declared) -> set[str]:
    """Return the ids of the tables that the declaration names."""
    return {
        *(table.relation_id for table in declared.tables),
        *(relation_id(schema, name) for name, schema in declared.watched),
    }


def is_table(relation: str, declared: Declared, catalogue: Catalogue | None) -> bool:
    """Return whether the declaration or the catalogue has a table with this id."""
    if relation in _declared_tables(declared):
        return True
    relations = catalogue.relations.values() if catalogue else ()
    return any(relation_id(*one.name) == relation for one in relations if not one.is_view)


def meaning_of(
    relation: str, declared: Declared, catalogue: Catalogue | None
) -> tuple[str, list[str]]:
    """Return what an id stands for, and the names of what a view or a function reads.

    There are none if nobody knows them.
    """
    if is_table(relation, declared, catalogue):
        return TABLE, []
    for one in catalogue.relations.values() if catalogue else ():
        if relation_id(*one.name) == relation:
            return VIEW, _named(one.reads, [one.key.of] if one.key else [])
    for (schema, name), overloads in catalogue.functions.items() if catalogue else ():
        if relation in _ids_of_function(schema, name):
            return FUNCTION, _named(*(one.reads for one in overloads))
    return _declared_kind(relation, declared), []


def _declared_kind(relation: str, declared: Declared) -> str:
    for path, schema in declared.others:
        name = path.removeprefix(_CALL)
        if name != path and relation in _ids_of_function(schema, name):
            return FUNCTION
        if relation == relation_id(schema, path):
            return VIEW
    return UNKNOWN


def _ids_of_function(schema: str, name: str) -> set[str]:
    """Return the ids by which a person may name a function: with ``rpc/`` or without."""
    return {relation_id(schema, name), relation_id(schema, f"{_CALL}{name}")}


def _named(*reads: Reads | Iterable[Name]) -> list[str]:
    """Return the names of relations, or none if one part is not known."""
    if None in reads:
        return []
    names = {name for some in reads if some is not None for name in some}
    return sorted(unquote(relation_id(*name)) for name in names)
