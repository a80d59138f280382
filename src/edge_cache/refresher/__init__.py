"""Runs in the object of a table or the project, the only writer: reads, writes, the backlog."""
