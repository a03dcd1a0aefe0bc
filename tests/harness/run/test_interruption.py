"""A run that is cut short leaves nothing behind, at whatever moment and by whatever signal."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import textwrap
import threading
from subprocess import run as run_alone
from typing import TYPE_CHECKING

import pytest

from harness.run import plugin
from harness.run.interruption import Interruption
from harness.run.workers import StartsWorkersQuietly
from tests.harness.commands import (
    COMMAND,
    PORTS,
    assert_nothing_is_left,
    features,
    listening,
    run,
    running_of,
    started,
)
from tests.harness.support import PATIENCE, until

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

SIGNALS = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name
)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Read what a command prints until these words come."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(f"{words!r} never came:\n{read}")


def cut_short(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Send a signal, Ctrl-C to the whole group as a terminal does, and return the rest of the output."""
    if number is signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    rest, _ = process.communicate(timeout=PATIENCE)
    return rest


def assert_it_says_so(code: int, output: str) -> None:
    assert code == 2, output
    assert re.search(r"verdict +incomplete: the run was interrupted", output), output


@SIGNALS
def test_a_run_cut_short_while_the_implementation_starts_leaves_nothing(
    host: str, folder: Path, number: signal.Signals
) -> None:
    with started(features(host, "--profile", "core"), folder) as process:
        until(lambda: any("guard.py" in one for one in running_of(folder)), "the implementation starts")
        assert listening(host) == list(PORTS)
        output = cut_short(process, number)

    if number is signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert_it_says_so(process.returncode, output)
    assert_nothing_is_left(host, folder)


@SIGNALS
@pytest.mark.parametrize(
    "options",
    [[], ["-n", "2", "--fleet-ports", "free"], ["--target", "fake-gateway"]],
    ids=["alone", "two-workers", "gateway-instances"],
)
def test_a_run_cut_short_amid_its_scenarios_leaves_nothing(
    host: str, folder: Path, options: list[str], number: signal.Signals
) -> None:
    with started(features(host, "-vv", *options), folder) as process:
        output = read_until(process, "PASSED")
        output += cut_short(process, number)

    if number is not signal.SIGKILL:
        assert_it_says_so(process.returncode, output)
        assert "its scenario never ran" in " ".join(output.split())
    else:
        assert process.returncode == -number
    assert_nothing_is_left(host, folder)


@SIGNALS
def test_a_story_cut_short_leaves_nothing(host: str, folder: Path, number: signal.Signals) -> None:
    with started([str(COMMAND), "reproduce", "--fleet-address", host], folder) as process:
        read_until(process, "1. The session is on 3001")
        rest = cut_short(process, number)

    if number is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert "interrupted; everything that it started is stopped" in rest
    assert_nothing_is_left(host, folder)


def test_an_interruption_between_lines_can_be_told() -> None:
    between_lines = compile("raise KeyboardInterrupt", "made up", "exec").replace(co_linetable=b"")
    with pytest.raises(KeyboardInterrupt) as interrupted:
        exec(between_lines)
    assert interrupted.tb.tb_next.tb_lineno in {None, -1}  # which it is depends on the release of Python
    plugin.pytest_keyboard_interrupt(interrupted)
    assert not {one._rawentry.tb_lineno for one in interrupted.traceback} & {None, -1}
    assert "KeyboardInterrupt" in str(interrupted.getrepr(funcargs=True))


def write(file: Path, text: str) -> None:
    file.write_text(textwrap.dedent(text), encoding="utf-8")


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
@pytest.mark.parametrize("swallowing", ["raise OSError('the port is still in use')", "pass"])
def test_an_interruption_that_something_else_took_the_place_of_still_ends_the_run(
    tmp_path: Path, when: str, swallowing: str
) -> None:
    write(
        tmp_path / "conftest.py",
        """
        from harness.run.interruption import Interruption
        import pytest

        INTERRUPTION = Interruption()

        def pytest_configure(config):
            config.pluginmanager.register(INTERRUPTION)

        @pytest.fixture(scope="session", autouse=True)
        def heard():
            with INTERRUPTION.heard():
                yield
        """,
    )
    write(
        tmp_path / "test_made_up.py",
        f"""
        import os, signal, threading
        import pytest

        def interrupted(when):
            if when == {when!r}:
                try:
                    os.kill(os.getpid(), signal.SIGTERM)
                    threading.Event().wait({PATIENCE})
                except KeyboardInterrupt:
                    {swallowing}

        @pytest.fixture
        def around():
            interrupted("setup")
            yield
            interrupted("teardown")

        def test_one(around):
            interrupted("call")

        def test_that_must_not_run():
            raise AssertionError
        """,
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:instance-sync"]
    ended = run(command, tmp_path, tmp_path)
    assert ended.returncode == pytest.ExitCode.INTERRUPTED, ended.stdout
    assert "test_that_must_not_run" not in ended.stdout


@pytest.mark.parametrize("problem", [None, OSError("the port is still in use")], ids=["nothing", "another"])
def test_a_command_obeys_an_interruption_that_was_swallowed(problem: OSError | None) -> None:
    def work() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(PATIENCE)
        if problem is not None:
            raise problem

    with pytest.raises(KeyboardInterrupt) as interrupted, Interruption().obeyed():
        work()
    assert interrupted.value.__cause__ is problem


def test_what_an_interruption_stops_is_not_broken_off_by_a_second_signal() -> None:
    stopped = []

    def stop() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        stopped.append("everything")

    def work() -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(stop)
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(PATIENCE)

    with pytest.raises(KeyboardInterrupt), Interruption().obeyed():
        work()
    assert stopped == ["everything"]


def test_a_third_signal_ends_even_what_swallowed_the_first() -> None:
    heeded = []

    def work() -> None:
        for _ in range(3):
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGTERM)
                threading.Event().wait(0.01)
                continue
            heeded.append(True)

    with pytest.raises(KeyboardInterrupt), Interruption().obeyed():
        work()
    assert heeded == [True, True]


def test_ctrl_c_while_workers_start_is_heard_by_the_controller_alone() -> None:
    starting = StartsWorkersQuietly().pytest_sessionstart()
    next(starting)
    worker = (
        "import os, signal; from harness.run.workers import hear_again; os.kill(os.getpid(), signal.SIGINT); "
        "print('imported', flush=True); {}hear_again(); print('runs')"
    )
    words = [worker.format(""), worker.format("signal.sigwait([signal.SIGINT]); ")]
    told = [
        run_alone([sys.executable, "-c", one], capture_output=True, text=True, check=False) for one in words
    ]
    with contextlib.suppress(StopIteration):
        starting.send(None)

    # One that was interrupted meanwhile ends without a word; any other goes on, and hears the next.
    assert [(one.returncode, one.stdout, one.stderr) for one in told] == [
        (130, "imported\n", ""),
        (0, "imported\nruns\n", ""),
    ]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
