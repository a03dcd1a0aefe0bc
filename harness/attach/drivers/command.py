"""Launches any program as an implementation, in its own process group, and makes sure that it ends."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import time
from typing import TYPE_CHECKING

import requests

from fake_instances.addresses import url_of
from harness.attach.drivers import container
from harness.attach.drivers.beside import ProgramsBeside
from harness.attach.drivers.guarded import Guarded
from harness.attach.drivers.listeners import listener
from harness.attach.drivers.program import can_bind, command_program, image_program, program_beside
from harness.attach.http import get, refused
from harness.attach.remedies import of_own_variable
from harness.errors import LaunchError
from harness.redaction import redact_cut
from harness.wording import visible

if TYPE_CHECKING:
    from pathlib import Path

    from harness.attach.drivers.program import Program
    from harness.contract import Launch, Target

_READY_CHECK_SECONDS = 0.02
_READY_ANSWER_SECONDS = 2.0
_NOTICE_SECONDS = 1.0
_NO_PROGRAM = 127
_OF_AN_IMAGE = {
    container.NO_ENGINE: "a container engine must run on this machine, and let you use it",
    container.NO_IMAGE: "launch.image must name an image that is here or can be pulled, whose program is there",
    container.NO_CONTAINER: "launch.image, or the engine's own settings, by what its last output names",
}
"""What to change, by the status with which an image's program ended before it was ready."""


class CommandImplementation:
    """A program that is launched as an implementation. See `launch`. `section` of its target file says how."""

    def __init__(
        self, target: Target, given: Launch, scratch: Path, program: Program, *, section: str = "launch"
    ) -> None:
        self._target = target
        self._section = section
        self._program = program
        self._secrets = (given.api_key, given.hmac_secret)
        self._scratch = scratch
        self._guarded: Guarded | None = None
        beside = [program_beside(words, target, given, program.port) for words in target.also]
        self._beside = ProgramsBeside(beside, scratch, target.directory, self._secrets)

    @property
    def base_url(self) -> str:
        """Where it listens, without a trailing slash."""
        return url_of(self._program.host, self._program.port)

    @property
    def problem(self) -> str | None:
        """Why it is not running any more, with its last output; None while it runs."""
        if self._guarded is not None and not self._has_ended(self._guarded):
            problem = self._beside.problem
            return f"{self._target.name} is not whole any more: {problem}" if problem else None
        status = "never started" if self._guarded is None else f"exited with status {self._guarded.status}"
        return f"{self._target.name} {status}; {self._last_output()}"

    def start(self) -> None:
        """Run the program and wait until it answers its ready check. LaunchError leaves nothing of it running."""
        with contextlib.ExitStack() as on_failure:
            # Not stop(): what it finds of the port must not hide why this failed.
            on_failure.callback(self._end, b"stop")
            self._guarded = Guarded(
                self._program.words,
                self._scratch,
                self._program.grace,
                directory=self._target.directory,
                environment=self._program.environment,
            )
            self._guarded.wait_for_start()
            self._beside.start()
            self._wait_until_ready(self._guarded)
            self._beside.check(self._target.name)
            on_failure.pop_all()

    def stop(self) -> None:
        """Send the group SIGTERM, then SIGKILL after the grace; LaunchError if the port is in use even then."""
        self._end(b"stop")
        if not can_bind(self._program.host, self._program.port):
            raise LaunchError(
                f"{self._target.name} was stopped, but port {self._program.port} is still in use"
                f"{listener(self._program.port)}"
            )

    def kill(self) -> None:
        """End it at once, as `kill -9` would: the whole process group."""
        self._beside.kill()
        if self._program.kill is not None:
            self._program.kill()
        elif self._guarded is not None and self._guarded.group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._guarded.group, signal.SIGKILL)
        self._end(b"killed")

    def _has_ended(self, guarded: Guarded) -> bool:
        # Its callers notice a crash a moment before its guard ends. So only an answer, or a slow one, proves that it
        # runs; without any, the guard is given that moment.
        if guarded.status is None:
            try:
                self._ready_status(_NOTICE_SECONDS)
            except requests.Timeout:
                return False
            except requests.RequestException:
                guarded.wait(_NOTICE_SECONDS)
        return guarded.status is not None

    def _end(self, word: bytes) -> None:
        if self._guarded is not None:
            self._guarded.begin_to_end(word)
        self._beside.end(word)
        if self._guarded is not None:
            self._guarded.end(word)

    def _wait_until_ready(self, guarded: Guarded) -> None:
        url = self.base_url + self._target.ready
        started = time.monotonic()
        answer = "nothing listened"
        while (waited := time.monotonic() - started) < self._target.ready_timeout:
            self._beside.check_now(self._target.name)
            if (ended := guarded.status) is not None:
                end = f"exited with status {ended} after {waited:.1f} s"
                raise LaunchError(
                    self._describe(f"{end}, before GET {url} answered 200"), self._of_end(ended)
                )
            try:
                status = self._ready_status(min(_READY_ANSWER_SECONDS, self._target.ready_timeout - waited))
            except requests.RequestException as problem:
                # What it answered before says more than that there was no time for another answer.
                if not answer.startswith("it answered"):
                    answer = "nothing listened" if refused(problem) else type(problem).__name__
            else:
                if status == 200:
                    return
                answer = f"it answered {status}"
            # Nothing announces that it is ready, so that is asked again and again; its end interrupts the wait.
            guarded.wait(_READY_CHECK_SECONDS)
        waited_for = f"waited {self._target.ready_timeout:g} s for GET {url} to answer 200; {answer}"
        section = self._section
        mend = f"{section}.ready must be a path that it answers with 200"
        if not answer.startswith("it answered"):
            host, port = (self._target.variable(name) for name in ("HOST", "PORT"))
            mend = of_own_variable(self._target, "HOST", "PORT", section=section) or (
                f"it must listen on {host} and {port} as it is given them, or {section}.ready_timeout be longer"
            )
        raise LaunchError(self._describe(f"is not ready: {waited_for}"), mend)

    def _of_end(self, status: int) -> str:
        if self._target.image:
            started = "what its last output names; launch.image and launch.env say what is started"
            return _OF_AN_IMAGE.get(status, started)
        if status == _NO_PROGRAM:
            section = self._section
            return f"{section}.command: its first word must be a program, or a path from {section}.directory"
        if self._section == "instance":
            return "what its last output names; [instance] says how it is started"
        return "what its last output names; [launch] says how it is started, [state] what its table is called"

    def _ready_status(self, patience: float) -> int:
        return get(self.base_url + self._target.ready, self._target.headers, patience).status_code

    def _describe(self, what: str) -> str:
        return f"{self._target.name} {what}\n  command: {shlex.join(self._program.words)}\n  {self._last_output()}"

    def _last_output(self) -> str:
        if self._guarded is None:
            return "it printed nothing"
        return visible(redact_cut(self._guarded.last_output(), self._secrets))


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
