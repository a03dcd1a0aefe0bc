"""One line on a terminal that says how far a run has come, and how long it may still take."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.verdict import Outcome
from harness.run.scope import record_in

if TYPE_CHECKING:
    from typing import TextIO

    from harness.catalogue.tally import Tally

TOLD_AFTER_SECONDS = 2.0
"""Before that, the time left cannot be estimated."""
_CLEAR_LINE = "\r\x1b[2K"


def told(done: int, total: int, failed: int, seconds: float) -> str:
    """Return how far a run has come that has taken so many seconds."""
    wrong = f", {failed} failed" if failed else ""
    words = f"{done} of {max(done, total)} scenarios{wrong}"
    if seconds < TOLD_AFTER_SECONDS or not 0 < done < total:
        return words
    left = round(seconds / done * (total - done))
    return (
        f"{words}, about {f'{left // 60} min {left % 60:02} s' if left >= 60 else f'{max(left, 1)} s'} left"
    )


class Line:
    """One line of a stream, rewritten on a terminal; elsewhere only its last state is written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()

    def begin(self, words: str) -> None:
        """Write it for the first time, elsewhere too, so that a log shows what is under way."""
        self.show(words) if self._terminal else self.end(words)

    def show(self, words: str) -> None:
        """Rewrite it, on a terminal."""
        if self._terminal:
            self._stream.write(_CLEAR_LINE + words[: shutil.get_terminal_size().columns - 1])
            self._stream.flush()

    def end(self, words: str) -> None:
        """Write it for the last time."""
        self._stream.write(f"{_CLEAR_LINE if self._terminal else ''}{words}\n")
        self._stream.flush()


class Progress:
    """Rewrites the line with each scenario, in place of pytest's dots."""

    def __init__(self, tally: Tally, stream: TextIO) -> None:
        self._tally = tally
        self._line = Line(stream)
        self._began: float | None = None

    def pytest_runtest_logstart(self) -> None:
        """Start the clock with the first scenario."""
        self._began = self._began or time.monotonic()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Make pytest count a scenario and print nothing for it."""
        if (record := record_in(report)) is None:
            return None
        return ("not judged" if record.outcome is Outcome.NOT_JUDGED else report.outcome), "", ""

    def pytest_runtest_logfinish(self) -> None:
        """Write the new state."""
        records = self._tally.came
        failed = sum(1 for one in records if one.outcome in {Outcome.FAILED, Outcome.BROKEN})
        seconds = 0.0 if self._began is None else time.monotonic() - self._began
        self._line.show(told(len(records), self._tally.to_run, failed, seconds))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Leave the line to what comes next."""
        self._line.show("")


def say(text: str) -> None:
    """Print on standard output at once. If its reader has left, the command goes on and keeps its exit code."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Otherwise Python would fail in the same way once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
