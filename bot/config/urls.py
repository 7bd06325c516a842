"""Addresses that this server is told to call with its credentials (pure): over HTTP, and REDIS_URL.

Private addresses are normal where everything is self-hosted. Link-local ones are not: there
clouds answer whoever asks with the machine's own credentials.

REDIS_URL is one Redis server, with TLS or without, or one that Sentinels watch:

    redis://:PASSWORD@HOST:6379/0      rediss:// with TLS, unix:///path?db=0 for a socket
    redis+sentinel://:PASSWORD@HOST:26379,HOST:26379/SERVICE/0?sentinel_password=...

https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
"""

import socket
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

#: Where clouds tell a machine its credentials, beside 169.254.0.0/16 and fe80::/10:
#: AWS over IPv6 (EC2, ECS, EKS), Google over IPv6, Alibaba, Oracle.
_METADATA = (
    ip_network("169.254.0.0/16"),
    ip_network("fe80::/10"),
    ip_network("fd00:ec2::/32"),
    ip_network("fd20:ce::254/128"),
    ip_network("100.100.100.200/32"),
    ip_network("192.0.0.192/32"),
)
_NAMES = frozenset({"metadata.google.internal", "metadata", "instance-data", "metadata.goog"})
#: In which an IPv4 address stands as the last 32 bits: IPv4-compatible (RFC 4291, 2.5.5.1) and
#: NAT64 (RFC 6052, RFC 8215).
_CARRIERS = (ip_network("::/96"), ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


def endpoint(url: str) -> str:
    """`url` without a slash at its end. Raises ValueError for what is no address to call."""
    url = url.rstrip("/")
    if not url.isprintable() or " " in url:
        raise ValueError("the URL contains spaces or control characters")
    parts = urlsplit(url)
    if not is_port(parts.netloc.rpartition("@")[2]):
        raise ValueError("the port must be a number from 1 to 65535")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL that starts with https:// (or http://) and has a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL contains a user or password; use the settings for keys instead")
    if parts.query or parts.fragment:
        raise ValueError("the URL must not have a query or fragment")
    return url


def is_port(host: str) -> bool:
    """Whether the port of `HOST:PORT` is one, or left out."""
    try:
        return urlsplit(f"//{host}").port != 0
    except ValueError:
        return False


def is_metadata(host: str) -> bool:
    """Whether a host is such an address, however it is written, or a name known for it."""
    # Resolvers take full-width digits and other dots for what they stand for (RFC 3490, 3.1).
    name = unicodedata.normalize("NFKC", host).replace("\u3002", ".").rstrip(".").lower()
    address = _address(name)
    if address is None:
        return name in _NAMES
    return any(address in network for network in _METADATA)


def _address(name: str) -> IPv4Address | IPv6Address | None:
    """What the resolver would make of it: it also takes 2852039166 and 0xa9.254.43518."""
    try:
        found = ip_address(name.partition("%")[0])
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(name))
        except (OSError, ValueError):
            return None
    if isinstance(found, IPv6Address):
        if any(found in network for network in _CARRIERS):
            return IPv4Address(int(found) & 0xFFFFFFFF)
        return found.ipv4_mapped or found.sixtofour or found
    return found


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


def redis_address(url: str) -> str:
    """The URL itself. Raises ValueError, without its password, for one that names no Redis."""
    scheme = url.partition("://")[0]
    if url and scheme not in SCHEMES:
        raise ValueError(f"the URL must start with one of {', '.join(SCHEMES)}")
    if scheme.endswith("+sentinel"):
        sentinel_config(url)
        return url
    parts = urlsplit(url)
    # redis-py takes the first database for one that is no number.
    db = parse_qs(parts.query).get("db", [parts.path if scheme != "unix" else ""])[0]
    if not is_port(parts.netloc.rpartition("@")[2]) or not (db.strip("/") or "0").isdecimal():
        raise ValueError(
            "use the form redis://:PASSWORD@HOST:6379/0; in the password, write `/`, `@`, `?` "
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
        raise ValueError(
            "for Sentinel, use the form redis+sentinel://HOST:26379,HOST:26379/SERVICE/0"
        )
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
    return SentinelConfig(tuple(map(_sentinel, named)), service, sentinel_options, redis_options)


def _sentinel(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return host.strip("[]"), int(port or SENTINEL_PORT)
