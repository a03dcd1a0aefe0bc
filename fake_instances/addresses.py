"""Where the instances listen, and the numbers that name them. Pure."""

from __future__ import annotations

import socket
from dataclasses import dataclass

DOCUMENT_PORTS = (3001, 3002, 3003, 3004)
"""The four instances of the document, by the ports that name them."""


LOCALHOST = "localhost"
"""The name by which the document spells its instances. It may lead to two addresses of this machine."""
LOOPBACK = ("127.0.0.1", "::1")
"""Where `localhost` leads: what is known by that name listens at the first, and at the second if there is one."""


def address_of(host: str) -> str:
    """Return the address of this machine that a host stands for, for what listens at one alone."""
    return LOOPBACK[0] if host == LOCALHOST else host


def family_of(host: str) -> socket.AddressFamily:
    """Return the family of an address; a name is taken for that of an IPv4 one."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def url_of(host: str, port: int) -> str:
    """Return the base URL of an address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@dataclass(frozen=True, slots=True)
class InstanceAddress:
    """Where one instance listens. `port` 0 lets the system choose. Without a `url` it is derived.

    On the host `localhost` it listens wherever that name leads, so that no caller is refused for trying one first.
    """

    number: int
    host: str
    port: int
    url: str | None = None
