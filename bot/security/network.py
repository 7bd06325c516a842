"""Which network a client's address belongs to (pure)."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What stands for whoever has this address: a network of IPv6, in which one machine can take
    any of 2^64 addresses (RFC 6177), goes as one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    return str(found if found.version == 4 else ip_network((int(found), 64), strict=False))
