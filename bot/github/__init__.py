"""GitHub over REST and GraphQL, as an App: everything that leaves this process for GitHub."""
