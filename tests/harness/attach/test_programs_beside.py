"""Programs beside an implementation: they come and go with it, and one that ends is reported with its words."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from harness.attach.drivers import command, program
from harness.attach.drivers.command import CommandImplementation, launch
from harness.attach.drivers.guarded import output_file_beside
from harness.errors import LaunchError
from tests.harness.attach.test_command_driver import SERVER
from tests.harness.support import PATIENCE, launch_of, target, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKER = (
    "import os, signal; print('worker', os.getpid(), os.environ['PORT'], os.environ['OWN'], flush=True); "
    "signal.pause()"
)
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WORKER}"
OF_A_MOMENT = (
    "import os, sys, time; started = time.monotonic(); path = sys.argv[1] + '/end'\n"
    "while not os.path.exists(path): pass\n"
    "print('no broker any more', os.environ['API_KEY']); sys.exit(4)"
)


class Stage:
    """Launches the server with programs beside it, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.launched: list[CommandImplementation] = []

    def launch(self, *beside: str, more: tuple[str, ...] = ()) -> CommandImplementation:
        file = self.folder / "server.py"
        file.write_text(SERVER, "utf-8")
        words = ("{python}", "-I", "-S")
        made = target(
            *words,
            str(file),
            directory=self.folder,
            also=tuple((*words, "-c", one, *more) for one in beside),
            environment={"OWN": "{instance_1} {instance_2} {instance_3} {fleet_urls} {data}"},
        )
        self.launched.append(launch(made, launch_of(self.folder), self.folder))
        return self.launched[-1]

    def said(self, number: int) -> list[list[str]]:
        """Return the words of each line that a program beside it printed."""
        return [line.split() for line in output_file_beside(self.folder, number).read_text().splitlines()]

    def workers(self) -> list[int]:
        """Return the process ids of the first program beside it, launch by launch, once one is there."""
        until(lambda: bool(self.said(1)), "the worker says its process id")
        return [int(words[1]) for words in self.said(1)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    for one in made.launched:
        one.kill()


def test_they_have_the_same_environment_with_every_instance(stage: Stage) -> None:
    port = stage.launch(WORKER, WORKER).base_url.rpartition(":")[2]
    urls = ["http://127.0.0.1:3001", "http://127.0.0.1:3002"]
    stage.workers()
    for number in (1, 2):
        ((_, _, its_port, *own),) = stage.said(number)
        assert its_port == port
        assert own == [*urls, "{instance_3}", ",".join(urls), str(stage.folder)]


def test_they_are_stopped_and_started_with_it(stage: Stage) -> None:
    launched = stage.launch(WORKER)
    (before,) = stage.workers()
    launched.stop()
    assert not psutil.pid_exists(before)
    launched.start()
    until(lambda: len(stage.said(1)) == 2, "another worker runs")
    assert psutil.pid_exists(stage.workers()[1])
    assert launched.problem is None


def test_they_are_killed_with_it(stage: Stage) -> None:
    launched = stage.launch(DEAF)
    (worker,) = stage.workers()
    launched.kill()
    assert not psutil.pid_exists(worker)


def test_one_that_ignores_the_end_is_killed_after_the_grace(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        command, "program_beside", lambda *given: replace(program.program_beside(*given), grace=0.2)
    )
    launched = stage.launch(DEAF)
    (worker,) = stage.workers()
    launched.stop()
    assert not psutil.pid_exists(worker)


@pytest.mark.parametrize("words", ["print('no broker'); raise SystemExit(3)", "import nothing_of_the_kind"])
def test_one_that_ends_at_once_is_told_with_its_words(stage: Stage, words: str) -> None:
    with pytest.raises(LaunchError) as raised:
        stage.launch(WORKER, words)
    told = str(raised.value)
    assert "made-up cannot work: the program beside it ended with status" in told
    assert ("no broker" if "broker" in words else "No module named 'nothing_of_the_kind'") in told
    assert "launch.also: each must go on running" in raised.value.mend
    (worker,) = stage.workers()
    assert not psutil.pid_exists(worker)


def test_one_that_is_no_program_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        command, "program_beside", lambda *_: program.Program(("/no/such",), {}, "127.0.0.1", 0)
    )
    with pytest.raises(LaunchError, match=r"status 127(.|\n)*/no/such: No such file"):
        stage.launch(WORKER)


def test_one_that_ends_later_ends_the_whole_and_says_no_secret(stage: Stage) -> None:
    launched = stage.launch(OF_A_MOMENT, more=(str(stage.folder),))
    assert launched.problem is None
    (stage.folder / "end").touch()
    until(lambda: launched.problem is not None, "the end is noticed")
    problem = str(launched.problem)
    assert "is not whole any more: the program beside it ended with status 4" in problem
    assert "no broker any more" in problem
    assert "the-api-key" not in problem.partition("its last output")[2]
    assert requests.get(launched.base_url, timeout=PATIENCE).ok
    assert sys.executable in problem
