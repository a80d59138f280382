"""The Workers that are compared, each with the modules that a deploy would upload."""

import gzip
import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from places import SOURCES
from setup import runtime
from shared.command import Command, run
from shared.project import NODE_MODULES, PYTHON_MODULES, ROOT, environment

OURS, LESSON = "ours", "lesson"
FLOOR, ROW_FLOOR, QUERY_FLOOR = "floor", "floor of a row", "floor of a query"
MISS_FLOOR, CHECKED_MISS_FLOOR = "floor of a miss", "floor of a checked miss"
PASSING_FLOOR = "floor of passing"
CONSTANT_PYTHON, CONSTANT_JAVASCRIPT = "empty Python", "empty JavaScript"

KEY = "sb_publishable_bench"

_TABLES = json.dumps({"articles": {"signed_in": "public"}})
"""Without the script's proof, readers who are signed in share only what is declared so."""

_NO_AGE = "86400"
"""In seconds. So high that no query's entry is aged during a run."""

_SDK_FOLDER = "workers/"


@dataclass(frozen=True)
class Module:
    """A file of a Worker, with the name that imports it and workerd's type."""

    name: str
    type: str
    path: Path


@dataclass(frozen=True)
class Contender:
    """A Worker: its modules, with the entry first, and its bindings in Miniflare."""

    name: str
    modules: tuple[Module, ...]
    flags: tuple[str, ...] = ()
    env: Mapping[str, object] = field(default_factory=dict)
    exports: Mapping[str, object] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The name, in a form for files and services."""
        return self.name.lower().replace(" ", "-")

    def given(self, variables: Mapping[str, str]) -> "Contender":
        """Return the same Worker with more variables."""
        texts = {name: text(value) for name, value in variables.items()}
        return replace(self, env={**self.env, **texts})

    def upload_bytes(self) -> tuple[int, int]:
        """Return the upload's size, plain and gzipped."""
        content = b"".join(module.path.read_bytes() for module in self.modules)
        return len(content), len(gzip.compress(content))


def compatibility_date() -> str:
    """Return the compatibility date of production."""
    date: str = tomllib.loads((ROOT / "wrangler.toml").read_text())["compatibility_date"]
    return date


def contenders(work: Path, upstream_url: str) -> dict[str, Contender]:
    """Return all Workers by name. They are copied to `work`, so that edits do not change a run."""
    supabase = {"SUPABASE_URL": text(upstream_url), "SUPABASE_ANON_KEY": text(KEY)}
    lesson = Module("lesson.js", "esm", _bundle(SOURCES / "lesson.mjs", work / "lesson.js"))
    constant = Module("constant.mjs", "esm", SOURCES / "constant.mjs")
    found = (
        ours(work / "src", supabase),
        Contender(LESSON, (lesson,), env=supabase),
        _small_python(FLOOR, "floor.py"),
        _small_python(ROW_FLOOR, "row_floor.py"),
        _small_python(QUERY_FLOOR, "query_floor.py"),
        with_objects(_small_python(MISS_FLOOR, "miss_floor.py", supabase)),
        with_objects(_checked_miss_floor(supabase)),
        _small_python(PASSING_FLOOR, "passing_floor.py", supabase),
        _small_python(CONSTANT_PYTHON, "constant.py"),
        Contender(CONSTANT_JAVASCRIPT, (constant,)),
    )
    return {contender.name: contender for contender in found}


def ours(copy: Path, supabase: Mapping[str, object]) -> Contender:
    """Return the project's Worker, from a copy of its sources."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    paths = sorted(copy.rglob("*.py"), key=lambda path: path != copy / "entry.py")
    sources = (Module(path.relative_to(copy).as_posix(), "python", path) for path in paths)
    assets = (Module(path.relative_to(copy).as_posix(), "text", path) for path in _assets(copy))
    variables = {"QUERY_MAX_AGE_SECONDS": text(_NO_AGE), "TABLES": text(_TABLES)}
    modules = (*sources, *assets, *_vendored())
    flags, env = runtime.COMPATIBILITY_FLAGS, {**supabase, **variables}
    return with_objects(Contender(OURS, modules, flags, env))


def with_objects(contender: Contender) -> Contender:
    """Return the same Worker with Durable Objects of its class ``Refresher``."""
    refresher = {"type": "durable-object", "worker": contender.slug, "exportName": "Refresher"}
    return replace(
        contender,
        env={**contender.env, "REFRESHER": refresher},
        exports={"Refresher": {"type": "durable-object", "storage": "sqlite"}},
    )


def _assets(copy: Path) -> list[Path]:
    return sorted(path for path in copy.rglob("assets/*") if path.is_file())


def _small_python(name: str, file: str, env: Mapping[str, object] | None = None) -> Contender:
    # The runtime imports the SDK, so no Python Worker starts without it.
    sdk = (module for module in _vendored() if _is_sdk(module))
    entry = Module(file, "python", SOURCES / file)
    return Contender(name, (entry, *sdk), runtime.COMPATIBILITY_FLAGS, env or {})


def _checked_miss_floor(env: Mapping[str, object]) -> Contender:
    """Return the floor that is built on another one, and on httpx with our transport."""
    transport = "edge_cache/cloudflare/fetch_transport.py"
    files = {
        "checked_miss_floor.py": SOURCES / "checked_miss_floor.py",
        "miss_floor.py": SOURCES / "miss_floor.py",
        transport: ROOT / "src" / transport,
    }
    own = (Module(name, "python", path) for name, path in files.items())
    return Contender(CHECKED_MISS_FLOOR, (*own, *_vendored()), runtime.COMPATIBILITY_FLAGS, env)


def _vendored() -> Iterator[Module]:
    """Return the files of `python_modules/` with the names and types that Wrangler gives them."""
    for path in sorted(PYTHON_MODULES.rglob("*")):
        if not path.is_file() or path.suffix == ".pyc":
            continue
        name = path.relative_to(PYTHON_MODULES).as_posix()
        script = name.startswith(_SDK_FOLDER) and path.suffix in {".js", ".mjs"}
        yield Module(f"{PYTHON_MODULES.name}/{name}", "esm" if script else "data", path)


def _is_sdk(module: Module) -> bool:
    name = module.name.removeprefix(f"{PYTHON_MODULES.name}/")
    return name.startswith((_SDK_FOLDER, "_workers_sdk", "_cloudflare", "_pyodide"))


def _bundle(source: Path, target: Path) -> Path:
    """Bundle a JavaScript Worker with the settings that Wrangler uses."""
    esbuild = NODE_MODULES / ".bin" / "esbuild"
    options = ("--bundle", "--format=esm", "--target=es2024", "--conditions=workerd,worker,browser")
    command: Command = [esbuild, source, *options, "--log-level=error", f"--outfile={target}"]
    run(command, env=environment(), otherwise=f"esbuild could not bundle {source.name}.")
    return target


def text(value: str) -> dict[str, str]:
    """Return a variable in Miniflare's form."""
    return {"type": "text", "value": value}
