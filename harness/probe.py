"""The harness's own looks, over HTTP like anyone's, and marked so that nobody else is credited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from harness.history import HARNESS

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE_SECONDS = 5


def health(url: str) -> dict[str, Any]:
    """Give what an instance's `/health/detailed` says.

    Raises:
        requests.RequestException: it did not answer with JSON.
    """
    shown: dict[str, Any] = get(f"{url}/health/detailed", {}, _PATIENCE_SECONDS).json()
    return shown


def get(url: str, headers: Mapping[str, str], patience: float) -> requests.Response:
    """Ask for a URL, straight and without any proxy, for `patience` seconds at most.

    Raises:
        requests.RequestException: it did not answer.
    """
    with requests.Session() as caller:
        caller.trust_env = False
        return caller.get(url, headers={"User-Agent": HARNESS, **headers}, timeout=patience)
