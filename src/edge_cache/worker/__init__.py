"""Runs in the Worker, for each request: paths, reads, who may do what, health."""
