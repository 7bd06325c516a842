"""Ports of this machine."""

import socket


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A socket bound to this port of an address of this machine; 0 takes a free one. Raises
    OSError."""
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it on, each
    # answer waits 40 ms for the client's delayed acknowledgement.
    [(family, *_), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
