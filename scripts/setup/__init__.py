"""Installs what a fresh clone lacks: packages for Node.js, Python and the Worker, and the runtime.

It makes `.venv` itself, so it needs only Python 3.11's standard library.
"""
