"""Variables from several places, and the private file `.dev.vars` that keeps some of them."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from shared.failure import Failure
from shared.project import environment

Layer = tuple[str, Mapping[str, str | None]]
"""The name of a place, and what it has."""

_PARSE = (
    'JSON.stringify(require("node:util")'
    '.parseEnv(require("node:fs").readFileSync(process.argv[1], "utf8")))'
)


def first_of(
    names: Iterable[str], layers: Iterable[Layer]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return each variable from the first place that has it, and the names of these places."""
    values, places = {}, {}
    layers = tuple(layers)
    for name in names:
        for place, has in layers:
            if value := has.get(name):
                values[name], places[name] = value, place
                break
    return values, places


def file_of(config: Path, name: str) -> Path:
    """Return an environment's private file, beside its wrangler.toml. Wrangler reads it, too."""
    return config.with_name(f".dev.vars.{name}")


def read(file: Path) -> dict[str, str]:
    """Return a file's variables, or none if there is no file. Node.js reads them as Wrangler does.

    Raises Failure.
    """
    if not file.is_file():
        return {}
    done = subprocess.run(
        ["node", "--print", _PARSE, file],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Failure(
            f"{file} cannot be read: check that it is a text file and that you may read it."
        )
    variables: dict[str, str] = json.loads(done.stdout)
    return variables


def keep(file: Path, values: Mapping[str, str]) -> None:
    """Put values into a file that nobody else may read. Raises Failure."""
    new = file.with_name(f"{file.name}.new")
    try:
        text = file.read_text() if file.exists() else ""
        new.unlink(missing_ok=True)
        new.touch(0o600)
        new.write_text(with_values(text, values))
        new.replace(file)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be written: check that you may write there.") from error


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Return a file's text in which these variables have these values; all else stays."""
    for name, value in values.items():
        line = f"{name}={_quoted(value)}"
        escaped = line.replace("\\", r"\\")
        text, found = re.subn(rf"(?m)^{name}=.*$", escaped, text)
        if not found:
            text = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
    return text


def _quoted(value: str) -> str:
    """Return a value in a quote that it does not contain."""
    quote = next((mark for mark in "'`\"" if mark not in value), None)
    if quote is None or "\n" in value:
        raise Failure("A value has a line break, or every kind of quote: no file can keep it.")
    return f"{quote}{value}{quote}"
