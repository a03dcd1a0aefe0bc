"""Reserves the port of an instance at every address that its host leads to."""

from __future__ import annotations

import contextlib
import socket
from errno import EADDRINUSE

from fake_instances.addresses import LOCALHOST, LOOPBACK, address_of, family_of

_TRIES = 20


def bound(host: str, port: int) -> list[socket.socket]:
    """Return sockets on one port of a host, which do not listen yet. With port 0 the system chooses it.

    `localhost` is both loopback addresses, where the system has both: a caller may try either first.

    Raises:
        OSError: the port is taken at one of them, or the address is not of this machine.
    """
    first = _bound(address_of(host), port)
    if host != LOCALHOST:
        return [first]
    chosen = first.getsockname()[1]
    try:
        return [first, _bound(LOOPBACK[1], chosen)]
    except OSError as problem:
        if problem.errno != EADDRINUSE:
            return [first]  # this machine has no such address
        first.close()
        if port:
            raise
    return _elsewhere(host)


def _elsewhere(host: str) -> list[socket.socket]:
    """Have the system choose again: the port that it chose is taken at the other address."""
    for _ in range(_TRIES):
        with contextlib.suppress(OSError), _bound(LOOPBACK[1], 0) as other:
            port = other.getsockname()[1]
        with contextlib.suppress(OSError):
            return bound(host, port)
    raise OSError(EADDRINUSE, "no port is free at both loopback addresses")


def _bound(address: str, port: int) -> socket.socket:
    one = socket.socket(family_of(address), socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((address, port))
    except OSError:
        one.close()
        raise
    return one
