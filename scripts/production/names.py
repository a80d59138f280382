"""The names of what an environment needs, as everybody else spells them."""

URL, KEY, SECRET = "SUPABASE_URL", "SUPABASE_ANON_KEY", "REVALIDATE_SECRET"
DATABASE_URL, WORKER_URL = "SUPABASE_DB_URL", "WORKER_URL"

OF_THE_WORKER = (URL, KEY, SECRET)
"""What the Worker needs before it serves."""

VAULT_URL, VAULT_SECRET = "edge_cache_url", "edge_cache_secret"
"""The entries of the database's Vault."""
