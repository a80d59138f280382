"""Requests to Supabase, and what its answers mean: rows, queries, webhooks, safe parsing."""
