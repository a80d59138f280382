"""Supabase tables served from Workers KV at the edge, and refreshed when they change.

Only `edge_cache.cloudflare` and ``src/entry.py`` know the Workers runtime. All other modules get
the clock, the network and the stores as arguments (see `edge_cache.ports`).
"""
