"""What the web process is started with."""

from typing import Any

import pytest

from bot.config.settings import Settings
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
