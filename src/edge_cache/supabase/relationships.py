"""Which relations the embedded names of a query lead to.

PostgREST finds exactly one meaning of a name, or refuses the query. It knows more of the database
than the catalogue says, so here every meaning counts that a name could have. These are the rules:

- A function of the relation's row can be embedded like a relation.
- A relation can be embedded if a foreign key leads from one of the two to the other.
- The other end of a foreign key can be embedded by the name of the constraint or of a column.
- If no foreign key joins two relations, a *junction* does: it has a foreign key to each.

A hint names the constraint, a column, or the junction. A view has the foreign keys of the tables
that it reads. https://docs.postgrest.org/en/stable/references/api/resource_embedding.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_cache.supabase.catalogue import Catalogue, ForeignKey, Name, Relation
from edge_cache.supabase.embedding import Embed


class Unknown(Exception):
    """Nobody knows what the answer depends on."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What an embedded name leads to: the relations at its ``ends``, and those ``between``."""

    ends: tuple[Relation, ...]
    between: tuple[Relation, ...]


def own_tables(relation: Relation) -> frozenset[Name]:
    """Return the tables whose foreign keys a relation has. Raises Unknown if nobody knows."""
    if not relation.is_view:
        return frozenset({relation.name})
    if relation.reads is None:
        raise Unknown
    return relation.reads | ({relation.key.of} if relation.key else frozenset())


@dataclass(frozen=True, slots=True)
class Relationships:
    """The relationships that PostgREST can find if a query asks for a ``schema``."""

    catalogue: Catalogue
    schema: str

    def relation(self, name: Name) -> Relation:
        """Return a relation of the catalogue. Raises Unknown if it has no such relation."""
        relation = self.catalogue.relations.get(name)
        if relation is None:
            raise Unknown
        return relation

    def reached(self, origin: Relation, embed: Embed) -> Reached:
        """Return what a name leads to from a relation. Raises Unknown if nobody knows."""
        computed = [one.returns for one in origin.computed if one.name == embed.target]
        ends = {name for name in computed if name} | set(self._other_ends(origin, embed.target))
        between: tuple[Relation, ...] | None = ()
        if named := self.catalogue.relations.get((self.schema, embed.target)):
            between = self._between(origin, named, embed.hint)
            ends.add(named.name)
            # A computed relationship takes the place of the others.
            if between is None and any(computed):
                between = ()
        if between is None or not ends:
            raise Unknown
        return Reached(tuple(map(self.relation, sorted(ends))), between)

    def _other_ends(self, origin: Relation, name: str) -> Iterator[Name]:
        """Return the other ends of the foreign keys that a name means."""
        own = own_tables(origin)
        for key in self.catalogue.foreign_keys:
            if key.source in own and name in (key.name, *key.columns):
                yield key.target
            if key.target in own and name in (key.name, *key.target_columns):
                yield key.source

    def _between(self, one: Relation, other: Relation, hint: str) -> tuple[Relation, ...] | None:
        """Return what can join two relations besides foreign keys. None if nothing joins them."""
        direct = self._direct(one, other)
        if hint:
            hinted = [each for each in self.catalogue.relations.values() if each.name[1] == hint]
            is_known = bool(hinted) or any(_is_hinted(key, hint) for key in direct)
            return tuple(hinted) if is_known else None
        if direct and not (one.is_view or other.is_view):
            return ()
        # A view need not show the columns of the foreign key.
        junctions = self._junctions(own_tables(one), own_tables(other))
        return junctions if direct or self._are_certain(junctions) else None

    def _direct(self, one: Relation, other: Relation) -> list[ForeignKey]:
        ones, others = own_tables(one), own_tables(other)
        return [
            key
            for key in self.catalogue.foreign_keys
            if (key.source in ones and key.target in others)
            or (key.source in others and key.target in ones)
        ]

    def _junctions(self, ones: frozenset[Name], others: frozenset[Name]) -> tuple[Relation, ...]:
        """Return every relation with a foreign key to each end, and with two if both are one."""
        to_one = [key for key in self.catalogue.foreign_keys if key.target in ones]
        to_other = [key for key in self.catalogue.foreign_keys if key.target in others]
        return tuple(
            relation
            for relation in self.catalogue.relations.values()
            if self._joins(relation, to_one, to_other)
        )

    def _joins(
        self, relation: Relation, to_one: list[ForeignKey], to_other: list[ForeignKey]
    ) -> bool:
        if relation.is_view and relation.reads is None:
            return False
        own = own_tables(relation)
        pairs = (
            (first.source, second.source)
            for first in to_one
            if first.source in own
            for second in to_other
            if second.source in own and first is not second
        )
        if not relation.is_view:
            return any(pairs)
        # If one table has both, and PostgREST knows it, then the table itself is a junction.
        return any(first != second or first[0] != self.schema for first, second in pairs)

    def _are_certain(self, junctions: tuple[Relation, ...]) -> bool:
        """Return whether one of these must be the junction, and not one that nobody knows of."""
        known = [one for one in junctions if one.name[0] == self.schema]
        if not known or not all(one.is_view for one in known):
            return bool(known)
        everything = self.catalogue.relations.values()
        return all(one.reads is not None for one in everything if one.name[0] == self.schema)


def _is_hinted(key: ForeignKey, hint: str) -> bool:
    return hint in (key.name, *key.columns, *key.target_columns)
