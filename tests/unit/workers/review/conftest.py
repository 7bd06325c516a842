"""The sample report of `workers/reports` is the one that the tests of publishing use."""

from tests.unit.workers.reports.conftest import build, pull, report, results, review, scan

__all__ = ["build", "pull", "report", "results", "review", "scan"]
