"""Where the instances listen, and the numbers that name them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

DOCUMENT_PORTS = (3001, 3002, 3003, 3004)
"""The four instances of the document, by the ports that name them."""


def url_of(host: str, port: int) -> str:
    """Return the base URL of an address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@dataclass(frozen=True, slots=True)
class InstanceAddress:
    """Where one instance listens. `port` 0 lets the system choose; Without a `url` it is derived."""

    number: int
    host: str
    port: int
    url: str | None = None
