"""What Supabase says and how it is asked: rows, webhooks, safe parsing. Pure."""
