"""What a terminal shows: colours if it has them, and how long a step takes."""

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

GREEN, YELLOW, RED, CYAN, BOLD = "32", "33", "31", "36", "1"
"""ANSI codes. The words say the same without them."""

TICK_S = 1.0


def wants_colour(environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return whether to colour words; see https://no-color.org."""
    return is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def painted(text: str, colour: str, *, on: TextIO = sys.stdout) -> str:
    """Return a text in a colour, if the terminal wants that."""
    if wants_colour(os.environ, is_terminal=on.isatty()):
        return f"\033[{colour}m{text}\033[0m"
    return text


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is done now. A terminal also shows the seconds that it takes."""
    began, over = time.monotonic(), threading.Event()
    if not sys.stdout.isatty():
        print(f"{text} …", flush=True)
        yield
        return

    def show(end: str) -> None:
        print(f"\r{text} … {time.monotonic() - began:.0f} s", end=end, flush=True)

    def tick() -> None:
        show("")
        while not over.wait(TICK_S):
            show("")

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()
        show("\n")
