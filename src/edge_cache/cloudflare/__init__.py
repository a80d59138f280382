"""The only code that knows the runtime: KV, storage, fetch, the event loop, requests."""
