"""The one file of settings that servers read, and that `glossator setup` writes.

It is named, or lies in the data directory; a file that happens to lie in the working directory
is never read, for that may be a stranger's clone.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from bot.config.settings import DATA_DIR, Settings, SettingsError, load


class Role(StrEnum):
    """Kinds of processes, by the secrets that they need."""

    WEB = "web"
    WORKER = "worker"
    SCHEDULER = "scheduler"


#: Settings that a process of a role has no use for, as if they were not set: whoever takes it over
#: finds nothing there. Deployments do not give them to it in the first place.
WITHHELD: Mapping[Role, Mapping[str, Any]] = {
    Role.WEB: {
        "github_private_key": "",
        "github_private_key_file": None,
        "openai_api_key": "",
        "notify_urls": (),
        "notify_secret": "",
        "ticket_header": "",
    },
    Role.WORKER: {"github_webhook_secrets": (), "github_client_secret": "", "api_tokens": ()},
    Role.SCHEDULER: {
        "github_webhook_secrets": (),
        "github_client_secret": "",
        "api_tokens": (),
        "openai_api_key": "",
    },
}

NAME = "glossator.env"

#: What GitHub gives for the App, and our own key; the variables that are kept.
SECRETS = (
    "GITHUB_APP_ID",
    "GITHUB_PRIVATE_KEY",
    "GITHUB_WEBHOOK_SECRETS",
    "GITHUB_CLIENT_ID",
    "GITHUB_CLIENT_SECRET",
    "SECRET_KEY",
)


def env_path(named: Path | None) -> Path:
    """The file that `--env-file` names, or the one in the data directory, whether or not it is
    there. Raises SettingsError for a user without a home."""
    path = named or Path(os.environ.get("DATA_DIR") or DATA_DIR) / NAME
    try:
        return path.expanduser().absolute()
    except RuntimeError as exc:
        raise SettingsError("This user has no home directory: set DATA_DIR.") from exc


def load_for_server(named: Path | None, **overrides: Any) -> Settings:
    """Settings from the environment and, below it, the file of `env_path`. A file that is named
    has to be there. Raises SettingsError."""
    path = env_path(named)
    try:
        path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if named is not None:
            raise SettingsError(f"ENV_FILE: {path} does not exist.") from None
        return load(**overrides)
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path} cannot be read: {exc}.") from exc
    return load(_env_file=path, **overrides)


def load_for_role(role: Role, named: Path | None) -> Settings:
    """Settings as `load_for_server` reads them, without the secrets that the role has no use for.
    Raises SettingsError."""
    withheld = WITHHELD[role]
    if role is Role.WEB and not load_for_server(named).secret_key.get_secret_value():
        # Links and sessions hang on the App's key then.
        withheld = {"openai_api_key": ""}
    return load_for_server(named, **withheld)


def as_env(values: Mapping[str, str]) -> str:
    """Lines for the file. Without quotes, which `docker run --env-file` and `kubectl create
    secret --from-env-file` would take for a part of the value."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


def existing_secrets(path: Path) -> tuple[str, ...]:
    """The variables of SECRETS that the file sets; none if there is no such file."""
    current = dotenv_values(path, interpolate=False) if path.exists() else {}
    return tuple(name for name in SECRETS if current.get(name))


def write_secrets(path: Path, values: Mapping[str, str]) -> None:
    """Write the secrets into the file, readable by its owner only, in place of those that are
    there; all else stays as it is. Raises OSError."""
    path, remaining = path.resolve(), ""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
