"""The programs beside an implementation, such as a queue worker: they start, stop and are killed with it."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import time
from typing import TYPE_CHECKING

from harness.attach.drivers.guarded import Guarded, output_file_beside
from harness.errors import LaunchError
from harness.redaction import redact_cut
from harness.wording import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.attach.drivers.program import Program

_LEAST_SECONDS, _MOST_SECONDS = 0.3, 2.0
"""How long each must run on once the implementation is ready: half the time that this took, within these bounds. One
that cannot work mostly ends before, and takes as long to load as what it is beside."""
_MEND = (
    "launch.also: each must go on running until it is stopped; what its last output names must be put right"
)


class ProgramsBeside:
    """Programs in process groups of their own, each with a file for its output."""

    def __init__(
        self, programs: Sequence[Program], scratch: Path, directory: Path, secrets: tuple[str, str]
    ) -> None:
        self._programs = programs
        self._scratch = scratch
        self._directory = directory
        self._secrets = secrets
        self._running: list[Guarded] = []
        self._started = 0.0

    @property
    def problem(self) -> str | None:
        """Which one has ended by itself, with its last output; None while all run."""
        for program, guarded in zip(self._programs, self._running, strict=False):
            if guarded.status is not None:
                said = visible(redact_cut(guarded.last_output(), self._secrets))
                words = shlex.join(program.words)
                return (
                    f"the program beside it ended with status {guarded.status}\n  command: {words}\n  {said}"
                )
        return None

    def start(self) -> None:
        """Start all of them."""
        self._started = time.monotonic()
        self._running = []
        for number, program in enumerate(self._programs, 1):
            guarded = Guarded(
                program.words,
                self._scratch,
                program.grace,
                directory=self._directory,
                environment=program.environment,
                output=output_file_beside(self._scratch, number),
            )
            self._running.append(guarded)
            guarded.wait_for_start()

    def check(self, name: str) -> None:
        """Wait until each has run for a moment; LaunchError if one has ended, with its words."""
        now = time.monotonic()
        until = now + min(max((now - self._started) / 2, _LEAST_SECONDS), _MOST_SECONDS)
        for guarded in self._running:
            guarded.wait(max(0.0, until - time.monotonic()))
        self.check_now(name)

    def check_now(self, name: str) -> None:
        """Check that none has ended; LaunchError with its words if one has."""
        if problem := self.problem:
            raise LaunchError(f"{name} cannot work: {problem}", _MEND)

    def kill(self) -> None:
        """Kill every group."""
        for guarded in self._running:
            if guarded.group:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(guarded.group, signal.SIGKILL)

    def end(self, word: bytes) -> None:
        """End all at once, and wait until that is done."""
        for guarded in self._running:
            guarded.begin_to_end(word)
        for guarded in self._running:
            guarded.end(word)
