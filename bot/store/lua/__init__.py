"""The Lua scripts, and what runs them."""
