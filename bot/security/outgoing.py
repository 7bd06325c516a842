"""Requests to addresses that an administrator names: pinned to a public address, and with nothing
of the answer to a notification read but its status.

The name is resolved once and only its addresses are connected to, so that no second answer of a
name server leads elsewhere; redirects are not followed.
"""

import asyncio
import hmac
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import httpx2

from bot.config.urls import is_metadata
from bot.security.tls import trusted

TIMEOUT_SECONDS = 10
_NO_NOTIFICATIONS = "The address is not public; set NOTIFY_ALLOW_PRIVATE=true to allow it."
_NO_TICKETS = "The address is not public; set TICKET_ALLOW_PRIVATE=true to allow it."
#: Addresses of a name that are tried.
_MOST_ADDRESSES = 4


class AddressRefused(Exception):
    """Raised for an address that may not be called; the message says why, without the address."""


class NotReached(Exception):
    """Raised when nobody answered; a later try may do."""


def signed(secret: str, timestamp: int, body: bytes) -> str:
    """The value of `Glossator-Signature`: HMAC-SHA256 over `<timestamp>.<body>`, as hex."""
    data = str(timestamp).encode() + b"." + body
    return f"v1={hmac.new(secret.encode(), data, sha256).hexdigest()}"


async def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> int:
    """The status of the answer. Raises AddressRefused and NotReached."""
    refusal = "" if allow_private else _NO_NOTIFICATIONS
    async with _requested("POST", url, body, headers, refusal) as response:
        return int(response.status_code)


async def get(url: str, headers: Mapping[str, str], *, allow_private: bool, limit: int) -> bytes:
    """The first `limit` bytes of what is there. Raises AddressRefused and NotReached, this also
    for another status than 200."""
    refusal = "" if allow_private else _NO_TICKETS
    async with _requested("GET", url, b"", headers, refusal) as response:
        if response.status_code != 200:
            raise NotReached(f"The address answered with {response.status_code}.")
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) >= limit:
                break
        return body[:limit]


async def get_end(url: str, *, allow_private: bool, size: int, limit: int) -> bytes:
    """The last `size` bytes of what is there, by a range where it is longer and the host can do
    this, else out of `limit` bytes at most. Raises AddressRefused and NotReached, this also for
    another status than success, or where there is more.

    The range counts from the start: Azure's storage takes none that counts from the end.
    https://learn.microsoft.com/en-us/rest/api/storageservices/specifying-the-range-header-for-blob-service-operations
    """
    refusal = "" if allow_private else "The address is not public."
    headers = {"Accept-Encoding": "identity"}
    async with _requested("GET", url, b"", headers, refusal) as response:
        length = int(response.headers.get("content-length", 0))
        if response.status_code != 200 or length <= size:
            return await _end(response, size, limit)
    headers["Range"] = f"bytes={length - size}-"
    async with _requested("GET", url, b"", headers, refusal) as response:
        return await _end(response, size, limit)


async def _end(response: httpx2.Response, size: int, limit: int) -> bytes:
    if response.status_code not in (200, 206):
        raise NotReached(f"The address answered with {response.status_code}.")
    body, read = b"", 0
    async for chunk in response.aiter_bytes():
        read += len(chunk)
        if read > limit:
            raise NotReached(f"There are more than {limit} bytes.")
        body = (body + chunk)[-size:]
    return body


@asynccontextmanager
async def _requested(
    method: str, url: str, body: bytes, headers: Mapping[str, str], refusal: str
) -> AsyncIterator[httpx2.Response]:
    """The answer of the address that the name leads to now; with a `refusal` it has to be public.
    All of it takes TIMEOUT_SECONDS at most."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), AsyncExitStack() as stack:
            addresses = await _public_addresses(host, port, refusal)
            http = await stack.enter_async_context(
                httpx2.AsyncClient(
                    verify=trusted(), timeout=TIMEOUT_SECONDS, follow_redirects=False
                )
            )
            for number, address in enumerate(addresses, 1):
                at = f"[{address}]" if ":" in address else address
                asked = http.stream(
                    method,
                    parts._replace(netloc=f"{at}:{port}").geturl(),
                    content=body,
                    headers={**headers, "Host": parts.netloc},
                    extensions={"sni_hostname": host},
                )
                try:
                    response = await stack.enter_async_context(asked)
                    break
                except (httpx2.ConnectError, httpx2.ConnectTimeout):
                    if number == len(addresses):  # often IPv6 without a route: try the next
                        raise
            yield response
    except (httpx2.HTTPError, TimeoutError) as exc:
        raise NotReached(f"The address could not be reached: {type(exc).__name__}.") from exc


async def _public_addresses(host: str, port: int, refusal: str) -> list[str]:
    """Where the name leads, best first, at least one. All that it leads to has to be allowed."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise NotReached("The host name could not be resolved.") from exc
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if is_metadata(address) or is_metadata(host):
            raise AddressRefused("Cloud metadata addresses are never called.")
        if refusal and not _is_global(address):
            raise AddressRefused(refusal)
    return addresses[:_MOST_ADDRESSES]


def _is_global(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        return found.is_global and (inner is None or inner.is_global)
    return found.is_global and not found.is_multicast
