"""The harness's own look at an instance, over HTTP like anyone's, and marked so that nobody else is credited."""

from __future__ import annotations

from typing import Any

import requests

from harness.history import HARNESS

_PATIENCE_SECONDS = 5


def health(url: str) -> dict[str, Any]:
    """Give what an instance's `/health/detailed` says.

    Raises:
        requests.RequestException: it did not answer with JSON.
    """
    with requests.Session() as caller:
        caller.trust_env = False
        answer = caller.get(
            f"{url}/health/detailed", headers={"User-Agent": HARNESS}, timeout=_PATIENCE_SECONDS
        )
    shown: dict[str, Any] = answer.json()
    return shown
