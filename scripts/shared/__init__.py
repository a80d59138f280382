"""What the commands, `setup`, `local` and the benchmark share. It imports none of them.

`setup` uses it before any package is installed, so it needs only Python 3.11's standard library.
"""
