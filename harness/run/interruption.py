"""Makes Ctrl-C and SIGTERM end a run reliably, with everything stopped that was started."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType


_IGNORED = 2
"""The signal that is ignored: the second, while what was started is being stopped."""


class Interruption:
    """Handles signals that are to end a run. As a plugin of pytest, it makes sure that none is lost.

    KeyboardInterrupt is an exception like any other: code that cleans up while it passes may fail with another
    one, which then takes its place. A scenario would fail where the run should end.
    """

    def __init__(self) -> None:
        self._signals = 0

    @property
    def came(self) -> bool:
        """Whether a signal came."""
        return self._signals > 0

    def forgive(self) -> None:
        """Take the signals that came so far for what was asked for: they do not end the run."""
        self._signals = 0

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Raise KeyboardInterrupt in the main thread when SIGINT or SIGTERM comes, while this lasts.

        A second signal does not interrupt the clean-up: pytest-xdist sends one to a worker that takes five seconds
        to end. A third one does. In any other thread than the main one handlers cannot be set, and nothing is done.
        A handler of SIGINT that somebody else has set stays.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [signal.SIGTERM]
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            numbers.append(signal.SIGINT)
        before = {number: signal.signal(number, self._interrupt) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def obeyed(self) -> Iterator[None]:
        """Do as `heard`, and at the end raise KeyboardInterrupt again if a signal came and its exception was lost.

        Python swallows what is raised while it finalises an object, and a signal may come just then.
        """
        with self.heard():
            yield from self._hold()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._signals += 1
        if self._signals != _IGNORED:
            raise KeyboardInterrupt

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """End the run if a signal came while a scenario was set up, ran or was torn down."""
        yield from self._hold()

    pytest_runtest_call = pytest_runtest_teardown = pytest_runtest_setup

    def _hold(self) -> Generator[None, None, None]:
        try:
            yield
        except Exception as problem:
            if self.came:
                raise KeyboardInterrupt from problem
            raise
        if self.came:
            raise KeyboardInterrupt
