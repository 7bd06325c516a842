"""What people make of findings: dismissals, preferences, and what became of each."""
