"""Runs in the Durable Object of a table, the only writer: reads, writes, the backlog. Pure."""
