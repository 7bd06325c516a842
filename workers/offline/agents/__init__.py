"""Reviews for coding agents, by the Model Context Protocol."""
