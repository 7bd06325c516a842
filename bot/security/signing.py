"""What we sign and find again: links, sessions, form tokens (pure).

One HMAC-SHA256 key serves all; the first part of what is signed names the purpose, and
the parts are length-prefixed, so that a signature never fits another purpose or a
different cut of the same text.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.config.settings import Settings, SettingsError

#: Shorter secrets could be found by trying.
MIN_CHARACTERS = 16


def signing_keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys of this server, 32 bytes each: the first signs, all verify (rotation).

    From SECRET_KEY (comma-separated), else derived from the App's private key (HKDF,
    RFC 5869). Raises SettingsError if a secret is too short or there is none at all.
    """
    secrets = [part.strip() for part in settings.secret_key.get_secret_value().split(",")]
    secrets = [secret for secret in secrets if secret]
    if any(len(secret) < MIN_CHARACTERS for secret in secrets):
        raise SettingsError(
            f"SECRET_KEY: each secret needs {MIN_CHARACTERS} characters or more; "
            "make one with `openssl rand -hex 32`."
        )
    if not secrets:
        # White space does not matter in PEM, and varies with how the key was handed over.
        if not (settings.github_private_key.get_secret_value() or settings.github_private_key_file):
            raise SettingsError(
                "SECRET_KEY is not set. Set it to the same for all processes; make one with "
                "`openssl rand -hex 32`."
            )
        secrets = ["".join(settings.private_key.split())]
    return tuple(_derive(secret) for secret in secrets)


def secrets_key(settings: Settings) -> bytes:
    """The key under which values of secrets are hashed, so that a hash tells nobody the value.
    b"" without an App or SECRET_KEY, where nothing is remembered either."""
    try:
        return _hkdf(signing_keys(settings)[0], b"glossator values of secrets")
    except SettingsError:
        return b""


def _derive(secret: str) -> bytes:
    return _hkdf(secret.encode(), b"glossator links and sessions")


def _hkdf(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)


def signature(key: bytes, *parts: str) -> str:
    """43 characters of base64url over all the parts, in their order."""
    mac = hmac.new(key, digestmod=sha256)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        mac.update(len(data).to_bytes(8, "big") + data)
    return to_text(mac.digest())


def is_signed(keys: Sequence[bytes], given: str, *parts: str) -> bool:
    """True if one of the keys gave that signature. Takes the same time whichever fits."""
    seen = given.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(signature(key, *parts).encode(), seen) for key in keys]
    return any(matches)


def to_text(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """What `to_text` was given. Raises ValueError for anything else."""
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Base64Error, UnicodeEncodeError) as exc:
        raise ValueError("not base64url") from exc
    if to_text(data) != text:  # the decoder skips what is not of its alphabet
        raise ValueError("not base64url")
    return data
