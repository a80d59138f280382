"""The only code that knows the Workers runtime: KV, storage, fetch, the event loop, requests."""
