"""Everything that knows Dramatiq's internals: broker, retries, lost messages."""
