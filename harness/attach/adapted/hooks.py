"""Runs the hooks of an adapter. What goes wrong in one is told with its file and line, and judges nobody."""

from __future__ import annotations

import contextlib
import inspect
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import requests

from harness.adapters.loading import place_in
from harness.adapters.values import NoReplyError, Reply
from harness.attach.http import refused, request
from harness.errors import AdapterError, NotJudgedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.adapters.base import Adapter
    from harness.adapters.values import Call

_PATIENCE_SECONDS = 10.0
_LONGEST_PROBLEM = 500
Returned = TypeVar("Returned")


class Asker:
    """Makes the calls of an adapter to what listens at a base URL, with the headers of every call."""

    def __init__(self, base_url: Callable[[], str], headers: Mapping[str, str]) -> None:
        self._base_url = base_url
        self._headers = headers
        self._local = threading.local()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Have each call of this thread end within so many seconds."""
        self._local.patience = seconds
        try:
            yield
        finally:
            del self._local.patience

    def __call__(self, call: Call) -> Reply:
        """Make a call; NoReplyError if no answer comes."""
        url = self._base_url() + call.url if call.url.startswith("/") else call.url
        patience = getattr(self._local, "patience", _PATIENCE_SECONDS)
        headers = {**self._headers, **call.headers}
        try:
            answer = request(call.method, url, patience=patience, body=call.body, headers=headers)
        except requests.RequestException as problem:
            told = NoReplyError(f"{call.method} {call.url} got no answer", refused=refused(problem))
            raise told from problem
        return Reply(answer.status_code, answer.content, dict(answer.headers))


class Hooks:
    """The hooks of one adapter. `problems` are those that went wrong where nobody could be told at once."""

    def __init__(self, kind: type[Adapter]) -> None:
        self._file = Path(inspect.getfile(kind))
        self._problems: list[str] = []

    def run(self, returns: type[Returned], hook: Callable[..., Any], *given: Any) -> Returned:
        """Run a hook, which must return a value of this type.

        Raises:
            AdapterError: it went wrong, by its file and line.
            NoReplyError: a call that it made got no answer.
        """
        try:
            returned = hook(*given)
        except (NoReplyError, NotJudgedError):
            raise
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever it is, it is the adapter's
            told = place_in(self._file, problem)[:_LONGEST_PROBLEM]
            raise AdapterError(f"the adapter failed: {told}") from None
        if not isinstance(returned, returns):
            code = getattr(hook, "__code__", None)
            place = "" if code is None else f"{code.co_filename}:{code.co_firstlineno}: "
            raise AdapterError(
                f"the adapter failed: {place}{getattr(hook, '__name__', 'a hook')} returned "
                f"{type(returned).__name__}, and must return {getattr(returns, '__name__', returns)}"
            )
        return returned

    def run_aside(
        self, returns: type[Returned], otherwise: Returned, hook: Callable[..., Any], *given: Any
    ) -> Returned:
        """Run a hook where nobody waits for it: remember what goes wrong, and go on with something else."""
        try:
            return self.run(returns, hook, *given)
        except (NotJudgedError, NoReplyError) as problem:
            self._problems.append(str(problem))
            return otherwise

    def check(self) -> None:
        """Check that no hook went wrong aside since the last check; AdapterError if one did."""
        problems, self._problems = self._problems, []
        if problems:
            raise AdapterError(problems[0])
