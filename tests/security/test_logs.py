"""Every known secret, thrown at the log in every way: none of it comes out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.config.settings import load
from bot.telemetry.log import configured_secrets
from tests.support.secret_shapes import SHAPES, private_key

#: This server's own secrets, in no shape that anybody could know them by.
OWN = {
    "GITHUB_WEBHOOK_SECRETS": "correct horse battery,staple of the second kind",
    "API_TOKENS": "an-admin-token-in-words",
    "OPENAI_API_KEY": "local_llm_password",
    "SECRET_KEY": "signing key of many words,an older signing key",
    "GITHUB_CLIENT_SECRET": "0123456789abcdef0123",
    "REDIS_URL": "redis://worker:p%40ssword-of-redis@redis:6379/0",
}
ROOT = Path(__file__).parents[2]


def _pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def _logged(secrets: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.security.log_everything"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment},
        input=json.dumps(secrets),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "all_said" in done.stderr, done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.mark.parametrize("as_json", ["true", "false"])
def test_no_secret_comes_out_of_the_log(as_json: str) -> None:
    pem = _pem()
    values = [part for value in OWN.values() for part in value.split(",")]
    values = [value for value in values if not value.startswith("redis:")]
    secrets = [*SHAPES.values(), private_key(), *values, "p%40ssword-of-redis", "p@ssword-of-redis"]
    environment = {
        **OWN,
        "GITHUB_PRIVATE_KEY": pem.replace("\n", "\\n"),
        "LOG_JSON": as_json,
        "LOG_LEVEL": "DEBUG",
    }
    logged = _logged([*secrets, pem], environment)
    # Of a key no line may be seen, however line ends are written.
    lines = [line for key in (pem, private_key()) for line in key.split("\n")[1:-1] if line]
    for secret in [*secrets, *lines]:
        assert secret not in logged, _around(logged, secret)
    assert logged.count("[redacted") > len(secrets)


def _around(text: str, secret: str) -> str:
    at = text.index(secret)
    return text[max(0, at - 300) : at + 100]


def test_every_secret_setting_is_known() -> None:
    """A new setting of that kind cannot be forgotten: it is found by its type."""
    values = {name.lower(): value for name, value in OWN.items()}
    settings = load(_env_file=None, **values, github_private_key=_pem())
    known = configured_secrets(settings)
    for value in OWN.values():
        for part in value.split(","):
            assert part in known or part.startswith("redis:")
    assert "p@ssword-of-redis" in known
    assert all(len(part) >= 8 for part in known)
