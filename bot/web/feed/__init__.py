"""The WebSocket feed of a running review."""
