"""Supabase tables served from Workers KV at the edge, and refreshed when they change."""
