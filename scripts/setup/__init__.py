"""What a fresh clone lacks: packages of Node.js, Python and the Worker, and the Python runtime.

It makes `.venv` itself, so it knows only the standard library of Python 3.11.
"""
