"""REDIS_URL: one Redis server, with TLS or without, or one that Sentinels watch (pure).

    redis://:PASSWORD@HOST:6379/0      rediss:// with TLS, unix:///path?db=0 for a socket
    redis+sentinel://:PASSWORD@HOST:26379,HOST:26379/SERVICE/0?sentinel_password=...

https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bot.config.outbound_urls import is_port

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")

SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class SentinelConfig:
    """A Redis that Sentinels watch: where these are, what they call it, how to speak to them
    and to it (arguments of redis-py's connections)."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    sentinel_options: Mapping[str, Any]
    redis_options: Mapping[str, Any]


def check(url: str) -> str:
    """The URL itself. Raises ValueError, without its password, for one that names no Redis."""
    scheme = url.partition("://")[0]
    if url and scheme not in SCHEMES:
        raise ValueError(f"the address has to begin with one of {', '.join(SCHEMES)}")
    if scheme.endswith("+sentinel"):
        sentinel_config(url)
        return url
    parts = urlsplit(url)
    # redis-py takes the first database for one that is no number.
    db = parse_qs(parts.query).get("db", [parts.path if scheme != "unix" else ""])[0]
    if not is_port(parts.netloc.rpartition("@")[2]) or not (db.strip("/") or "0").isdecimal():
        raise ValueError(
            "the address has to be redis://:PASSWORD@HOST:6379/0, its password with `/`, `@`, `?` "
            "and `#` as %2F, %40, %3F and %23"
        )
    return url


def sentinel_config(url: str) -> SentinelConfig | None:
    """What a Sentinel URL says; None for another URL. Raises ValueError for a malformed one."""
    parts = urlsplit(url)
    if not parts.scheme.endswith("+sentinel"):
        return None
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    service, _, db = parts.path.strip("/").partition("/")
    named = [host for host in hosts.split(",") if host]
    if not service or not named or not (db or "0").isdecimal() or not all(map(is_port, named)):
        raise ValueError("a Sentinel address is redis+sentinel://HOST:26379,HOST:26379/SERVICE/0")
    query = parse_qs(parts.query)
    tls: dict[str, Any] = {"ssl": True} if parts.scheme == "rediss+sentinel" else {}
    if authority := query.get("ssl_ca_certs"):
        tls["ssl_ca_certs"] = authority[0]
    sentinel_options = dict(tls)
    if secret := query.get("sentinel_password"):
        sentinel_options["password"] = secret[0]
    redis_options = {**tls, "db": int(db or 0)}
    if password:
        redis_options |= {"username": unquote(user) or None, "password": unquote(password)}
    return SentinelConfig(tuple(map(_address, named)), service, sentinel_options, redis_options)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return host.strip("[]"), int(port or SENTINEL_PORT)
