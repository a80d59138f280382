"""Remembers what a folder was made from, so that it is made again only after a change."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


def digest(sources: Sequence[Path], *, salt: str = "") -> str:
    """Return a hash over the contents of files."""
    state = hashlib.sha256(salt.encode())
    for source in sources:
        state.update(source.read_bytes())
    return state.hexdigest()


@dataclass(frozen=True)
class Stamp:
    """A file with the hash of the sources, written after everything was made from them."""

    path: Path
    sources: tuple[Path, ...]
    salt: str = ""

    def is_current(self) -> bool:
        """Return whether nothing changed since the stamp was written."""
        return self.path.is_file() and self.path.read_text() == self._digest()

    def write(self) -> None:
        """Write down the hash of the sources as they are now."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self._digest())

    def _digest(self) -> str:
        return digest(self.sources, salt=self.salt)
