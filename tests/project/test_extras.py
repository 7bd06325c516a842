"""Tracing and Sentry are extras: nothing of them is loaded, or needed, where they are off."""

import subprocess
import sys

import pytest

from bot.config.settings import Settings, SettingsError
from bot.store import message
from bot.telemetry import sentry, tracing

LOADED = """
import sys
import bot.cli.app, bot.web.app, workers.main, workers.schedule.maintenance
from bot.config.settings import Settings
from bot.telemetry import sentry, tracing
tracing.configure(Settings(_env_file=None), "web")
sentry.configure(Settings(_env_file=None), "web")
print(*{"opentelemetry.sdk.trace", "opentelemetry.exporter", "sentry_sdk"} & set(sys.modules))
"""


def test_nothing_of_them_is_loaded_where_they_are_off() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_a_message_carries_nothing_where_there_is_no_trace() -> None:
    with tracing.span("scan", {}, review="01JQ0000000000000000000000") as span:
        span.set_attributes({"glossator.files": 1})
        assert tracing.OPTION not in message("scan_review", "id").body


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = ("opentelemetry", "bot.telemetry.otel")
    for name in [name for name in sys.modules if name.startswith(loaded)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    endpoint = Settings(_env_file=None, otel_exporter_otlp_endpoint="http://127.0.0.1:4318")
    with pytest.raises(SettingsError, match="extra `otel`"):
        tracing.configure(endpoint, "web")
    dsn = Settings(_env_file=None, sentry_dsn="https://key@sentry.example/1")
    with pytest.raises(SettingsError, match="extra `sentry`"):
        sentry.configure(dsn, "web")


def test_the_command_for_agents_names_its_extra() -> None:
    script = "import sys; sys.modules['mcp'] = None; from bot.cli.app import main; main()"
    command = [sys.executable, "-c", script, "mcp"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "glossator: This command needs the extra `mcp`: in Glossator's clone, run "
        "pip install '.[mcp]'.\n"
    )
