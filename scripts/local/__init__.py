"""The Worker and an embedded Supabase, running on this machine."""
