"""The GitHub App: what faces GitHub and people."""

from importlib.metadata import version

__version__ = version("glossator")
