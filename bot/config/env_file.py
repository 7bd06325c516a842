"""The secrets of the App in `.env`: read, and written without touching what else is there."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

#: What GitHub gives for the App, and our own key; the variables that are kept.
SECRETS = (
    "GITHUB_APP_ID",
    "GITHUB_PRIVATE_KEY",
    "GITHUB_WEBHOOK_SECRETS",
    "GITHUB_CLIENT_ID",
    "GITHUB_CLIENT_SECRET",
    "SECRET_KEY",
)


def as_env(values: Mapping[str, str]) -> str:
    """Lines for `.env`. Without quotes, which `docker run --env-file` and `kubectl create
    secret --from-env-file` would take for a part of the value."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


def existing_secrets(path: Path) -> tuple[str, ...]:
    """The variables of SECRETS that the file sets; none if there is no such file."""
    current = dotenv_values(path, interpolate=False) if path.exists() else {}
    return tuple(name for name in SECRETS if current.get(name))


def write_secrets(path: Path, values: Mapping[str, str]) -> None:
    """Write the secrets into `.env`, readable by its owner only, in place of those that are
    there; all else stays as it is. Raises OSError."""
    path, remaining = path.resolve(), ""
    if path.exists():
        with path.open() as file:
            remaining = "".join(
                b.original.string for b in parse_stream(file) if b.key not in values
            )
    if remaining and not remaining.endswith("\n"):
        remaining += "\n"
    text = remaining + as_env(values)
    temporary = path.with_name(f"{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.chmod(0o600)
    temporary.replace(path)
