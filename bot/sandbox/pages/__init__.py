"""The simulated GitHub's pages of a pull request, as people see them."""
