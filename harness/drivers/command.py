"""Launches any program as an implementation, in a process group of its own, and ends it for certain."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import requests

from harness.contract import LaunchError
from harness.drivers import guard
from harness.drivers.image import image_program
from harness.drivers.program import command_program
from harness.probe import get
from harness.report.redaction import redact

if TYPE_CHECKING:
    from pathlib import Path

    from harness.contract import Launch, Target
    from harness.drivers.program import Program

_LAST_OUTPUT_LINES = 25
_READY_CHECK_SECONDS = 0.02
_READY_ANSWER_SECONDS = 2.0
_NOTICE_SECONDS = 1.0


class CommandImplementation:
    """A program that was launched and answered its ready check. See `launch`."""

    def __init__(self, target: Target, launch: Launch, scratch: Path, program: Program) -> None:
        self._target = target
        self._program = program
        self._host, self._port = program.host, program.port
        self._output = output_file(scratch)
        self._secrets = (launch.api_key, launch.hmac_secret)
        self._scratch = scratch
        self._guard: subprocess.Popen[bytes] | None = None
        self._group = 0

    @property
    def base_url(self) -> str:
        """Where it listens, without a trailing slash."""
        return f"http://{self._host}:{self._port}"

    @property
    def problem(self) -> str | None:
        """Why it is not running any more, with its last output; None while it runs."""
        if self._guard is not None and not self._has_ended(self._guard):
            return None
        status = "never started" if self._guard is None else f"exited with status {self._guard.returncode}"
        return f"{self._target.name} {status}; {self._last_output()}"

    def start(self) -> None:
        """Run the program and wait until it answers its ready check.

        Raises:
            LaunchError: it ended first, or did not answer in time.
        """
        keeper = [sys.executable, "-I", "-S", guard.__file__, str(self._output), str(self._scratch)]
        keeper.append(f"{self._program.grace:g}")
        with contextlib.ExitStack() as on_failure:
            # Not stop(): what it finds of the port must not take the place of why this failed.
            on_failure.callback(self._end, b"stop")
            self._guard = subprocess.Popen(  # noqa: S603 - the user's own command
                [*keeper, *self._program.words],
                cwd=self._target.directory,
                env=dict(self._program.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            assert self._guard.stdout is not None  # noqa: S101 - for the type checker: it was given a pipe
            self._group = int(self._guard.stdout.readline() or b"0")
            self._wait_until_ready()
            on_failure.pop_all()

    def stop(self) -> None:
        """Send the group SIGTERM, then SIGKILL after 5 s, and wait until the port is free.

        Raises:
            LaunchError: the port is still in use.
        """
        self._end(b"stop")
        if not _can_bind(self._host, self._port):
            raise LaunchError(f"{self._target.name} was stopped, but port {self._port} is still in use")

    def kill(self) -> None:
        """End it at once, as `kill -9` would: the whole process group."""
        if self._program.kill is not None:
            self._program.kill()
        elif self._group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, signal.SIGKILL)
        self._end(b"killed")

    def _has_ended(self, guarded: subprocess.Popen[bytes]) -> bool:
        # A crash shows on its connections a moment before its guard ends too, and must not be overlooked for that
        # moment: only who answers runs for certain. Who takes long to answer runs as well.
        if guarded.poll() is None:
            try:
                self._ready_status(_NOTICE_SECONDS)
            except requests.Timeout:
                return False
            except requests.RequestException:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    guarded.wait(_NOTICE_SECONDS)
        return guarded.returncode is not None

    def _end(self, word: bytes) -> None:
        if self._guard is None:
            return
        stdin, stdout = self._guard.stdin, self._guard.stdout
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                stdin.write(word)
                stdin.flush()
            with contextlib.suppress(BrokenPipeError):
                stdin.close()
        self._guard.wait(self._program.grace + 5)
        if stdout is not None:
            stdout.close()

    def _wait_until_ready(self) -> None:
        assert self._guard is not None  # noqa: S101 - for the type checker: only called once started
        url = self.base_url + self._target.ready
        started = time.monotonic()
        answer = "nothing listened"
        while (waited := time.monotonic() - started) < self._target.ready_timeout:
            if (ended := self._guard.poll()) is not None:
                end = f"exited with status {ended} after {waited:.1f} s"
                raise LaunchError(self._describe(f"{end}, before GET {url} answered 200"))
            try:
                status = self._ready_status(min(_READY_ANSWER_SECONDS, self._target.ready_timeout - waited))
            except requests.RequestException as problem:
                answer = "nothing listened" if _refused(problem) else type(problem).__name__
            else:
                if status == 200:
                    return
                answer = f"it answered {status}"
            # Its end is an event; its readiness is not, so that is asked for again and again.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._guard.wait(_READY_CHECK_SECONDS)
        waited_for = f"waited {self._target.ready_timeout:g} s for GET {url} to answer 200; {answer}"
        raise LaunchError(self._describe(f"is not ready: {waited_for}"))

    def _ready_status(self, patience: float) -> int:
        return get(self.base_url + self._target.ready, self._target.headers, patience).status_code

    def _describe(self, what: str) -> str:
        return f"{self._target.name} {what}\n  command: {shlex.join(self._program.words)}\n  {self._last_output()}"

    def _last_output(self) -> str:
        try:
            lines = self._output.read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        if not lines:
            return "it printed nothing"
        last = "\n".join(f"    {line}" for line in lines[-_LAST_OUTPUT_LINES:])
        return f"its last output:\n{redact(last, self._secrets)}"


def launch(target: Target, given: Launch, scratch: Path) -> CommandImplementation:
    """Launch a target's command or image and wait until it is ready.

    `scratch` is the folder for its output; it is removed if this process is killed meanwhile.

    Raises:
        LaunchError: it did not come up; nothing of it is left running.
    """
    program = image_program(target, given, scratch) if target.image else command_program(target, given)
    implementation = CommandImplementation(target, given, scratch, program)
    implementation.start()
    return implementation


def output_file(scratch: Path) -> Path:
    """Give the file that collects standard output and standard error of every launch in a scratch folder."""
    return scratch / "output.log"


def _can_bind(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _refused(problem: requests.RequestException) -> bool:
    return isinstance(problem, requests.ConnectionError) and "refused" in str(problem)
