"""Whether an event starts a review, and which findings count (pure)."""
