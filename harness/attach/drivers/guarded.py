"""A program that runs under a guard, and so certainly ends with this process (see `drivers.guard`)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING

from harness.attach.drivers import guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_REMOVAL_SECONDS = 5.0
"""How long a guard may take beyond the program's grace."""
_LAST_OUTPUT_LINES = 25
_LAST_OUTPUT_BYTES = 16 * 1024


class Guarded:
    """A program in its own process group, whose id is `group`.

    Its output goes to the file `output`, by default in the folder `scratch`. If this process is killed meanwhile,
    that folder is removed, unless it is "-". After SIGTERM the program has `grace` seconds to end. Its environment
    is by default that of this process.
    """

    def __init__(  # noqa: PLR0913 - what one program is run with
        self,
        words: Sequence[str],
        scratch: Path,
        grace: float,
        *,
        directory: Path | None = None,
        environment: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        self._grace = grace
        self._output = output or output_file(scratch)
        keeper = [sys.executable, "-I", "-S", guard.__file__, str(self._output), str(scratch), f"{grace:g}"]
        self._guard = subprocess.Popen(  # noqa: S603 - running a given program is the purpose
            [*keeper, *words],
            cwd=directory,
            env=None if environment is None else dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.group = 0

    def wait_for_start(self) -> None:
        """Wait until the program runs, or could not be run."""
        self.group = int(self.told.readline() or b"0")

    @property
    def told(self) -> IO[bytes]:
        """What the guard writes: after the program's start nothing more, until the guard ends."""
        assert self._guard.stdout is not None  # noqa: S101 - for the type checker: it was given a pipe
        return self._guard.stdout

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._guard.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, at most this long, and return the exit status or None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(seconds)
        return self._guard.returncode

    def end(self, word: bytes = b"stop") -> None:
        """End the group by SIGTERM, and by SIGKILL after the grace, and wait until that is done."""
        self.begin_to_end(word)
        self._guard.wait(self._grace + _REMOVAL_SECONDS)
        self.told.close()

    def begin_to_end(self, word: bytes = b"stop") -> None:
        """Send the group SIGTERM, and do not wait."""
        stdin = self._guard.stdin
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                stdin.write(word)
                stdin.flush()
            with contextlib.suppress(BrokenPipeError):
                stdin.close()

    def last_output(self) -> str:
        """Return the last lines that it printed, introduced and indented."""
        try:
            with self._output.open("rb") as output:
                output.seek(-min(_LAST_OUTPUT_BYTES, output.seek(0, os.SEEK_END)), os.SEEK_END)
                lines = output.read(_LAST_OUTPUT_BYTES).decode("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        if not lines:
            return "it printed nothing"
        return "its last output:\n" + "\n".join(f"    {line}" for line in lines[-_LAST_OUTPUT_LINES:])


def output_file(scratch: Path) -> Path:
    """Return the file that collects all output of every launch in a scratch folder."""
    return scratch / "output.log"


def output_file_beside(scratch: Path, number: int) -> Path:
    """Return the same file of a program beside it, counted from 1."""
    return scratch / f"output-beside-{number}.log"
