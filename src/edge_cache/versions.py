"""The versions that a target publishes for its readers: one text in Workers KV.

Example: ``1700000000000 1700000000009;public.authors=4;#=2;#3f=9;``

First comes the floor: an entry that was read below that number is outdated. Then comes the highest
number that the target knew. Each member is the number of a latest change, counted from the floor:
of a relation, of all rows (``#``), or of a bucket of keys (``#`` and its number in hexadecimal).
Members at or below the floor are left out.

A reader looks for a few members only. `str.find` does that in about a microsecond, and the text is
never parsed as a whole. After 100,000 edits of random rows it has about 10 KB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

MAX_NUMBER = 10**15
"""It is above every number of a change, and JavaScript still has it exactly."""

_REMEMBERED = 50
"""At most this many texts, about 1 MB, stay parsed. A target has one at a time."""

ROWS = "#"


@dataclass(frozen=True, slots=True)
class Versions:
    """The numbers of the latest changes, as a target knows them.

    - Everything that was read below ``floor`` is outdated.
    - ``highest`` is the highest number that the target knows.
    - ``relations`` has the latest change of each relation that answers depend on.
    - ``rows`` is the latest change of all rows, ``buckets`` the latest of each bucket of keys.
    """

    floor: int = 0
    highest: int = 0
    relations: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    buckets: Mapping[int, int] = field(default_factory=dict)

    def needed(self, relations: Iterable[str], buckets: Iterable[int]) -> int:
        """Return the number that an answer needs: if it was read below that, it is outdated."""
        numbers = [self.floor, *(self.relations.get(relation, 0) for relation in relations)]
        for bucket in buckets:
            numbers += self.rows, self.buckets.get(bucket, 0)
        return max(numbers)

    def to_text(self) -> str:
        """Return the text that KV keeps."""
        members = "".join(
            f"{name}={number - self.floor};"
            for name, number in self._members()
            if number > self.floor
        )
        return f"{self.floor} {self.highest};{members}"

    def _members(self) -> Iterator[tuple[str, int]]:
        yield from sorted(self.relations.items())
        yield ROWS, self.rows
        for bucket, number in sorted(self.buckets.items()):
            yield f"{ROWS}{bucket:x}", number


@dataclass(frozen=True, slots=True)
class Published:
    """The versions as a reader finds them in KV."""

    text: str = ""
    floor: int = 0
    highest: int = 0

    @classmethod
    @lru_cache(_REMEMBERED)
    def of(cls, text: str) -> Published:
        """Return the versions. If nobody can have written the text, every entry is outdated."""
        first = text.partition(";")[0].split(" ")
        if not text.endswith(";") or len(first) != len(("floor", "highest")):
            return UNREADABLE
        if not all(map(_is_number, first)):
            return UNREADABLE
        return cls(text, *map(int, first))

    def needed(self, relations: Iterable[str], buckets: Iterable[int]) -> int:
        """Return the number that an answer needs (see `Versions.needed`)."""
        return max(self.numbers(relations, buckets).values())

    def numbers(self, relations: Iterable[str], buckets: Iterable[int]) -> dict[str, int]:
        """Return the numbers of the latest changes, by what changed, and the floor."""
        names = [*relations, *(f"{ROWS}{bucket:x}" for bucket in buckets)]
        names += [ROWS] if buckets else []
        above = {name: self.floor + self._member(name) for name in names}
        return {"floor": self.floor, **above}

    def _member(self, name: str) -> int:
        begin = self.text.find(f";{name}=")
        if begin < 0:
            return 0
        number = self.text[begin + len(name) + 2 : self.text.index(";", begin + 1)]
        return int(number) if _is_number(number) else MAX_NUMBER


NOT_PUBLISHED = Published()
"""No versions were ever published, so no entry is outdated."""

UNREADABLE = Published(floor=MAX_NUMBER)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < len(str(MAX_NUMBER))
