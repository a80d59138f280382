"""Runs in the objects, the only writers: the ledger, and one for each target."""
