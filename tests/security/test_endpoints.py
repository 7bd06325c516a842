"""What this server calls with its credentials is checked before it is called."""

import pytest

from bot.config.settings import SettingsError, load
from bot.config.urls import endpoint, is_metadata


@pytest.mark.parametrize(
    "url",
    [
        "https://api.github.com",
        "http://localhost:11434/v1",
        "http://10.0.0.5:8000/v1/",
        "http://192.168.1.2",
        "http://127.0.0.1:1",
        "http://[::1]:8000",
        "https://llm.internal/v1",
        "https://ghe.example/api/v3",
    ],
)
def test_public_and_private_addresses_are_allowed(url: str) -> None:
    assert endpoint(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "192.0.0.192",
        "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
        "[::ffff:169.254.169.254]", "[2002:a9fe:a9fe::1]", "[fe80::1%25eth0]",
        "[64:ff9b::169.254.169.254]", "[64:ff9b:1::a9fe:a9fe]", "[::169.254.169.254]",
        "[fd00:ec2::23]", "[fd20:ce::254]", "169\u3002254\u3002169\u3002254",
        "\uff11\uff16\uff19.254.169.254",
        "metadata.google.internal", "METADATA.google.internal.", "169.254.1.1",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_BASE_URL",
        "GITHUB_API_URL",
        "GITHUB_URL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "SENTRY_DSN",
    ],
)
def test_metadata_addresses_are_refused_however_written(
    name: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://{host}/v1")
    with pytest.raises(SettingsError, match=f"{name}: .*ALLOW_LINK_LOCAL"):
        load(_env_file=None)
    monkeypatch.setenv("ALLOW_LINK_LOCAL", "true")
    assert load(_env_file=None).allow_link_local


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://x/y", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://x", "https://"),
        ("//x/y", "https://"),
        ("https://", "has a host"),
        ("https://user:hunter22@x/v1", "user or password"),
        ("https://token@x/v1", "user or password"),
        ("https://x/v1?key=1", "must not have a query or fragment"),
        ("https://x/v1#a", "must not have a query or fragment"),
        ("https://x/ y", "spaces"),
        ("https://x/\r\nHost: y", "spaces or control"),
    ],
)
def test_other_addresses_are_refused_without_showing_their_secrets(url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        load(_env_file=None, openai_base_url=url)
    assert "hunter22" not in str(caught.value)
    assert "token@" not in str(caught.value)


def test_names_that_only_look_alike_are_no_metadata() -> None:
    assert not is_metadata("metadata.example.org")
    assert not is_metadata("254.169.254.169")
