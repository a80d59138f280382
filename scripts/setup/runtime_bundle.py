"""Writes the file from which workerd reads Pyodide in development.

The file is one Cap'n Proto message: a list of modules. workerd needs three of them, all internal.
Their contents come from npm's `pyodide` package. Only one file is changed, for two reasons:

- A Worker may not compile WebAssembly or get random values by itself, so workerd's helpers do both.
- asyncio must use timers, as in production: Pyodide is prepared there without a MessageChannel. A
  MessageChannel has a single queue, which would run one request's callbacks in another request.

Arguments: the folder of npm's `pyodide` package, and the file to write.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import capnp

from shared.failure import Failure, run_main

# The field numbers are workerd's. A module's declaration and compile cache stay empty.
SCHEMA = """\
@0xd3a5c1f0b2e47a96;

struct Bundle {
  modules @0 :List(Module);
}

struct Module {
  name @0 :Text;
  union {
    source @1 :Data;
    wasm @4 :Data;
    data @5 :Data;
    json @6 :Text;
  }
  kind @2 :Kind;
  declaration @3 :Text;
  compileCache @7 :Data;

  enum Kind {
    bundle @0;
    builtin @1;
    internal @2;
  }
}
"""

HELPERS = 'import{newWasmModule,getRandomValues}from"pyodide-internal:builtin_wrappers";'

# A text in pyodide.asm.mjs, the text that replaces it, and how often it occurs.
REPLACEMENTS = (
    ("export default _createPyodideModule", "export{_createPyodideModule}", 1),
    ("new WebAssembly.Module(", "newWasmModule(", 4),
    ("crypto.getRandomValues(", "getRandomValues(Module,", 1),
    ('typeof globalThis.MessageChannel=="function"', "false", 1),
)


def assemble(pyodide: Path) -> bytes:
    """Return the message with the contents of a `pyodide` package."""
    version = json.loads((pyodide / "package.json").read_text())["version"]
    source = adapt((pyodide / "pyodide.asm.mjs").read_text(), version)
    contents = (
        ("pyodide.asm", "source", source.encode()),
        ("pyodide.asm.wasm", "wasm", (pyodide / "pyodide.asm.wasm").read_bytes()),
        ("python_stdlib.zip", "data", (pyodide / "python_stdlib.zip").read_bytes()),
    )
    message = _schema().Bundle.new_message()
    modules = message.init("modules", len(contents))
    for module, (name, field, content) in zip(modules, contents, strict=True):
        module.name = f"pyodideRuntime-internal:{name}"
        setattr(module, field, content)
        module.kind = "internal"
    encoded: bytes = message.to_bytes()
    return encoded


def adapt(source: str, version: str) -> str:
    """Adapt the module to workerd. Raises Failure if this version of Pyodide lacks a pattern."""
    for pattern, replacement, expected in REPLACEMENTS:
        found = source.count(pattern)
        if found != expected:
            raise Failure(
                f"pyodide {version} has {pattern!r} {found} times, not {expected}. This version"
                " does not fit scripts/setup/runtime_bundle.py: pin the one that runtime.py names."
            )
        source = source.replace(pattern, replacement)
    return HELPERS + source


def _schema() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.capnp"
        path.write_text(SCHEMA)
        return capnp.load(str(path))


def main() -> int:
    """Write the file in one step, so that workerd never reads half of it."""
    pyodide, bundle = map(Path, sys.argv[1:])
    bundle.parent.mkdir(parents=True, exist_ok=True)
    fresh = bundle.with_suffix(".new")
    fresh.write_bytes(assemble(pyodide))
    fresh.replace(bundle)
    return 0


if __name__ == "__main__":
    run_main(main)
