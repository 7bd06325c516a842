"""A GitHub on the user's own machine: what `glossator demo` and the tests talk to.

One port, laid out like GitHub Enterprise Server: REST under `/api/v3`, GraphQL at `/api/graphql`,
git smart HTTP at `/{owner}/{repo}.git`. Repositories are real git repositories.
"""
