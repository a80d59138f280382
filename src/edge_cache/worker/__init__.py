"""Runs in the Worker, for each request: paths, the read path, who may do what, health. Pure."""
