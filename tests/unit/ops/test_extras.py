"""Tracing and Sentry are extras: nothing of them is loaded, or needed, where they are off."""

import subprocess
import sys

import pytest

from bot import sentry, trace
from bot.queue import message
from bot.settings import Settings, SettingsError

LOADED = """
import sys
import bot.app, bot.cli, workers.main, workers.maintenance
from bot import sentry, trace
from bot.settings import Settings
trace.configure(Settings(_env_file=None), "web")
sentry.configure(Settings(_env_file=None), "web")
print(*{"opentelemetry.sdk.trace", "opentelemetry.exporter", "sentry_sdk"} & set(sys.modules))
"""


def test_nothing_of_them_is_loaded_where_they_are_off() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_a_message_carries_nothing_where_there_is_no_trace() -> None:
    with trace.span("scan", {}, review="01JQ0000000000000000000000") as noted:
        noted.note({"glossator.files": 1})
        assert trace.OPTION not in message("scan_pull_request", "id").body


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("opentelemetry", "bot.trace_"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    endpoint = Settings(_env_file=None, otel_exporter_otlp_endpoint="http://127.0.0.1:4318")
    with pytest.raises(SettingsError, match=r"glossator\[otel\]"):
        trace.configure(endpoint, "web")
    dsn = Settings(_env_file=None, sentry_dsn="https://key@sentry.example/1")
    with pytest.raises(SettingsError, match=r"glossator\[sentry\]"):
        sentry.configure(dsn, "web")
