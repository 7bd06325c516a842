"""Deliveries from GitHub: verified, deduplicated, translated and queued."""
