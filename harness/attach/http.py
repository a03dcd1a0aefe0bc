"""The one place from which the harness calls anything over HTTP: implementations, instances, hooks, a fleet.

Where no answer comes, each function lets requests.RequestException through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from harness.history import HARNESS

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEALTH_SECONDS = 5.0


def request(  # noqa: PLR0913 - the parts of a request
    method: str,
    url: str,
    *,
    patience: float,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    follow: bool = False,
) -> requests.Response:
    """Make one request, straight and without the environment's proxies.

    `patience` is how many seconds each read may take, and `body` is sent as JSON. Redirects are followed only with
    `follow`.
    """
    with requests.Session() as caller:
        caller.trust_env = False
        return caller.request(
            method, url, json=body, headers=headers, timeout=patience, allow_redirects=follow
        )


def get(url: str, headers: Mapping[str, str], patience: float) -> requests.Response:
    """Look at a URL as the harness itself, so that nobody else is credited with the look."""
    return request("GET", url, patience=patience, headers={"User-Agent": HARNESS, **headers}, follow=True)


def health(url: str) -> dict[str, Any]:
    """Return what an instance's `/health/detailed` says."""
    shown: dict[str, Any] = get(f"{url}/health/detailed", {}, _HEALTH_SECONDS).json()
    return shown


def refused(problem: requests.RequestException) -> bool:
    """Say whether no connection was ever made, because nothing listens."""
    return isinstance(problem, requests.ConnectionError) and "refused" in str(problem)
