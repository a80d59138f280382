"""What the commands, `setup`, `local` and the benchmark share; it knows none of them.

As `setup` uses it, it knows only the standard library of Python 3.11.
"""
