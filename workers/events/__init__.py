"""Queue `events`: what a delivery means, answered at once and never behind a long scan."""
