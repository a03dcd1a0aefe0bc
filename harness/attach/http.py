"""The harness's own looks, over HTTP like anyone's, and marked so that nobody else is credited."""

from __future__ import annotations

import contextlib
from http.client import HTTPConnection
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


def status_of(host: str, port: int, path: str, headers: Mapping[str, str], patience: float) -> int:
    """Give the status that a path is answered with, as cheaply as it can be asked for.

    Raises:
        TimeoutError: something was silent for `patience` seconds.
        OSError, http.client.HTTPException: it did not answer.
    """
    with contextlib.closing(HTTPConnection(host, port, timeout=patience)) as caller:
        caller.request("GET", requests.utils.requote_uri(path), headers={"User-Agent": HARNESS, **headers})
        answer = caller.getresponse()
        answer.read()
        return answer.status


def get(url: str, headers: Mapping[str, str], patience: float) -> requests.Response:
    """Ask for a URL, straight and without any proxy, for `patience` seconds at most.

    Raises:
        requests.RequestException: it did not answer.
    """
    with requests.Session() as caller:
        caller.trust_env = False
        return caller.get(url, headers={"User-Agent": HARNESS, **headers}, timeout=patience)
