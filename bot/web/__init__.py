"""The web process: its app, limits, pages, API and live feed."""
