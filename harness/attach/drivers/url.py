"""An implementation that runs already, attached by its URL: nothing of it is started, and nothing is ended."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import requests

from harness.attach.http import get
from harness.errors import LaunchError, NotJudgedError, TargetError

if TYPE_CHECKING:
    from harness.contract import Target

_ANSWER_SECONDS = 5.0
_GIVEN = ("API_KEY", "HMAC_SECRET")
_SHORTEST = 8
"""Characters of a secret. A common word could not be hidden without hiding half of what is reported."""


class RunningImplementation:
    """What answers at a target's URL."""

    def __init__(self, target: Target) -> None:
        self._target = target

    @property
    def base_url(self) -> str:
        """Where it listens, without a trailing slash."""
        return self._target.url

    @property
    def problem(self) -> str | None:
        """Why it does not answer its ready check any more; None while it does."""
        try:
            _ready(self._target)
        except requests.Timeout:
            return None  # it is slow, but it runs
        except requests.RequestException as problem:
            url = self._target.url + self._target.ready
            return f"{self._target.name} does not answer GET {url} any more: {type(problem).__name__}"
        return None

    def stop(self) -> None:
        """Leave it running."""

    def kill(self) -> None:
        """Refuse by a NotJudgedError: the harness does not end what it did not start."""
        raise NotJudgedError(f"{self._target.name} is attached by its URL, and is not killed by the harness")


def attach(target: Target) -> RunningImplementation:
    """Return what runs at a target's URL; LaunchError if it does not answer its ready check with 200."""
    url = target.url + target.ready
    try:
        status = _ready(target)
    except requests.RequestException as problem:
        raise LaunchError(
            f"{target.name} does not answer GET {url} ({type(problem).__name__}): is it running there? "
            "launch.url and launch.ready say where it is asked",
            "launch.url must be where it listens, and it must run",
        ) from None
    if status != 200:
        raise LaunchError(
            f"{target.name} answered {status} to GET {url}: launch.ready names what answers 200",
            "launch.ready must be a path that it answers with 200, without a login or a redirect",
        )
    return RunningImplementation(target)


def shared_secrets() -> tuple[str, str]:
    """Return the API key and the HMAC secret that the running implementation was started with.

    Raises:
        TargetError: the environment lacks one, or one is too short to be kept out of reports.
    """
    if missing := [name for name in _GIVEN if not os.environ.get(name)]:
        raise TargetError(
            f"{' and '.join(missing)} must be in the environment, as the running implementation was given them: "
            "to a launch.url target the harness cannot hand new ones"
        )
    if short := [name for name in _GIVEN if len(os.environ[name]) < _SHORTEST]:
        raise TargetError(
            f"{' and '.join(short)} must have {_SHORTEST} characters or more, to be kept out of reports for certain: "
            "start the implementation with longer ones, and give the same here"
        )
    return os.environ["API_KEY"], os.environ["HMAC_SECRET"]


def _ready(target: Target) -> int:
    return get(target.url + target.ready, target.headers, _ANSWER_SECONDS).status_code
