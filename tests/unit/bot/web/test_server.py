"""What the web process is started with."""

from typing import Any

import pytest

from bot.config.settings import Settings, SettingsError
from bot.runtime.tcp_ports import listen
from bot.web import server
from bot.web.server import run_web


@pytest.mark.parametrize(("value", "trusted"), [("10.0.0.7,172.16.0.0/12",) * 2, ("", None)])
def test_named_proxies_are_believed_about_the_clients_address(
    value: str, trusted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a stranger's requests behind it would be counted as the admin's."""
    given: dict[str, Any] = {}
    monkeypatch.setattr("uvicorn.run", lambda app, **options: given.update(options))
    monkeypatch.setattr(server, "hide_memory", lambda: None)
    settings = Settings(
        _env_file=None, redis_url="redis://x", secret_key="k" * 32, trusted_proxies=value
    )
    run_web(settings)
    assert given["forwarded_allow_ips"] == trusted


def test_metrics_are_off_by_default_and_on_loopback_where_they_are_on() -> None:
    settings = Settings(_env_file=None)
    assert (settings.metrics_port, settings.metrics_host) == (0, "127.0.0.1")


def test_a_taken_port_for_metrics_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "hide_memory", lambda: None)
    with listen(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings(
            _env_file=None, redis_url="redis://x", secret_key="k" * 32, metrics_port=port
        )
        with pytest.raises(SettingsError, match=f"METRICS_PORT: 127.0.0.1:{port} cannot be used"):
            run_web(settings)
