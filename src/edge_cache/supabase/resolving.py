"""What an answer depends on: it follows from what is asked for and from the catalogue.

Under doubt, an answer depends on more. If nobody knows, it depends on everything. If it depended on
too little, it would be served as fresh after a change. So whoever adds a rule here asks first what
the rule can miss.

Some answers are the same for readers who are signed in. An answer is, if the database has proven it
of every relation and function that the query names, and of every junction between them.

A table's answer depends on the table, and on what its policies read. A view's answer depends on the
tables below the view. If a query asks for rows by key, only their keys count instead of the table.
Everything that is embedded counts in any row, and so does everything that a computed column reads.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge_cache.declaration import PUBLIC
from edge_cache.dependencies import ON_EVERYTHING, Dependencies, relation_id
from edge_cache.queries import Query
from edge_cache.supabase.catalogue import Catalogue, Function, Name, Reads, Relation
from edge_cache.supabase.embedding import Asked, Embed, asked_in
from edge_cache.supabase.key_filters import keys_asked
from edge_cache.supabase.relationships import Relationships, Unknown

_FUNCTION = "rpc/"
_VOLATILE = "v"


def table_dependencies(relation: Name, catalogue: Catalogue | None) -> Dependencies:
    """Return what all rows of a table or view depend on."""
    if catalogue is None:
        return Dependencies(frozenset({relation_id(*relation)}))
    found = catalogue.relations.get(relation)
    if found is None or found.reads is None:
        return ON_EVERYTHING
    return Dependencies(_ids(found.reads) | _rows_of(found), is_shared=found.differs is None)


def row_dependencies(relation: Name, row_id: str, catalogue: Catalogue | None) -> Dependencies:
    """Return what a row of a declared table depends on. ``row_id`` is its key."""
    if catalogue is None:
        return Dependencies(keys=frozenset({row_id}))
    found = catalogue.relations.get(relation)
    if found is None or found.reads is None or found.key is None or found.key.of != relation:
        return table_dependencies(relation, catalogue)
    return Dependencies(_ids(found.reads), frozenset({row_id}), found.differs is None)


def query_dependencies(
    query: Query, catalogue: Catalogue | None, *, is_table: bool
) -> Dependencies:
    """Return what the answer to a query depends on.

    ``is_table`` is whether the query's target is declared as a table. Without a catalogue, nobody
    knows what a view or a function reads.
    """
    asked = asked_in(query.parameters)
    if asked is None:
        return ON_EVERYTHING
    if catalogue is None:
        is_alone = is_table and not asked.embeds and not query.target.startswith(_FUNCTION)
        own = (query.profile or PUBLIC, query.target)
        return table_dependencies(own, None) if is_alone else ON_EVERYTHING
    try:
        return _Answer(catalogue, query, asked).dependencies()
    except Unknown:
        return ON_EVERYTHING


def is_read_only(query: Query, catalogue: Catalogue) -> bool:
    """Return whether no overload of the function that a query calls may write."""
    overloads = _overloads(query.profile or PUBLIC, query.target, catalogue)
    return bool(overloads) and all(one.volatility != _VOLATILE for one in overloads)


def is_shared(schema: str, path: str, catalogue: Catalogue) -> bool:
    """Return whether what a path names is the same for readers who are signed in."""
    if path.startswith(_FUNCTION):
        overloads = _overloads(schema, path, catalogue)
        return bool(overloads) and all(one.differs is None for one in overloads)
    found = catalogue.relations.get((schema, path))
    return found is not None and found.differs is None


def keyed_relation(schema: str, name: str, catalogue: Catalogue | None) -> str | None:
    """Return the id of the relation whose rows a target tells apart by key. None if it has none."""
    if catalogue is None:
        return None if name.startswith(_FUNCTION) else relation_id(schema, name)
    found = catalogue.relations.get((schema, name))
    return relation_id(*found.key.of) if found and found.key else None


class _Answer:
    """What one query's answer depends on. Every method raises Unknown if nobody knows."""

    def __init__(self, catalogue: Catalogue, query: Query, asked: Asked) -> None:
        self._catalogue = catalogue
        self._own = (query.profile or PUBLIC, query.target)
        self._asked = asked
        self._relationships = Relationships(catalogue, self._own[0])
        self._is_shared = True

    def dependencies(self) -> Dependencies:
        if self._own[1].startswith(_FUNCTION):
            return Dependencies(self._of_function(), is_shared=self._is_shared)
        own = self._relationships.relation(self._own)
        keys = keys_asked(self._asked.filters, own.key) if own.key else None
        relations = self._besides_rows(own) | self._embedded([own], self._asked.embeds)
        if keys is None:
            return Dependencies(relations | _rows_of(own), is_shared=self._is_shared)
        return Dependencies(relations, keys, self._is_shared)

    def _of_function(self) -> frozenset[str]:
        """Return what every overload reads. What is embedded begins at the rows that it returns."""
        schema, target = self._own
        overloads = _overloads(schema, target, self._catalogue)
        if not overloads:
            raise Unknown
        found: frozenset[str] = frozenset()
        for overload in overloads:
            self._is_shared &= overload.differs is None
            found |= _known(overload.reads)
            origins = self._returned(overload.returns)
            found |= self._embedded(origins, self._asked.embeds)
            found = found.union(*map(self._computed, origins))
        return found

    def _returned(self, returns: Name | None) -> list[Relation]:
        """Return the relation whose rows a function returns, if that is known and matters.

        PostgREST looks for relationships in the schema that the query asks for.
        """
        if self._asked.embeds and (returns is None or returns[0] != self._own[0]):
            raise Unknown
        return [self._relationships.relation(returns)] if returns else []

    def _embedded(self, origins: Iterable[Relation], embeds: Iterable[Embed]) -> frozenset[str]:
        """Return what is depended on because of what is embedded in rows of some relation.

        Which of the origins it is may be uncertain. If each were followed alone, a deeply nested
        query could take forever.
        """
        found: frozenset[str] = frozenset()
        for embed in embeds:
            ends: dict[Name, Relation] = {}
            for origin in origins:
                reached = self._relationships.reached(origin, embed)
                ends |= {end.name: end for end in reached.ends}
                found |= self._whole(reached.between)
            found |= self._whole(ends.values()) | self._embedded(ends.values(), embed.inner)
        return found

    def _whole(self, relations: Iterable[Relation]) -> frozenset[str]:
        found = [self._besides_rows(relation) | _rows_of(relation) for relation in relations]
        return frozenset().union(*found)

    def _besides_rows(self, relation: Relation) -> frozenset[str]:
        self._is_shared &= relation.differs is None
        return _known(relation.reads) | self._computed(relation)

    def _computed(self, relation: Relation) -> frozenset[str]:
        """Return what those computed columns read that the query can name."""
        named = [one for one in relation.computed if self._asked.mentions(one.name)]
        self._is_shared &= all(one.differs is None for one in named)
        return frozenset().union(*(_known(one.reads) for one in named))


def _overloads(schema: str, path: str, catalogue: Catalogue) -> tuple[Function, ...]:
    """Return the functions that a path below ``/rest/v1/`` names."""
    return catalogue.functions.get((schema, path.removeprefix(_FUNCTION)), ())


def _rows_of(relation: Relation) -> frozenset[str]:
    """Return the id of the table whose rows a relation shows, unless it is among its reads."""
    if not relation.is_view:
        return frozenset({relation_id(*relation.name)})
    return frozenset({relation_id(*relation.key.of)}) if relation.key else frozenset()


def _known(reads: Reads) -> frozenset[str]:
    if reads is None:
        raise Unknown
    return _ids(reads)


def _ids(names: Iterable[Name]) -> frozenset[str]:
    return frozenset(relation_id(*name) for name in names)
