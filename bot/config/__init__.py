"""What can be configured: server settings, and `.github/glossator.yml` of a repository."""
