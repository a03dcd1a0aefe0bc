"""Runs the features against many targets, several at once, each in a process forked from a warm one."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import socket
import sys
import tempfile
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.report import folder as report_folder
from harness.report.model import Report, parse_json, render_json
from harness.run import recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.context import ForkServerProcess

PATIENCE = 480.0
"""Seconds that one run may take. A run that takes longer is stopped and has caught nothing."""
_END_SECONDS = 15.0
_HOST_FROM = 70

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. Without a `report`, `output` says why there is none."""

    exit_code: int
    report: Report | None
    output: str


class Runner:
    """Runs pytest for several targets at once; each place has instances of its own, and a run this much time."""

    def __init__(self, places: int, patience: float | None = None) -> None:
        self._patience = PATIENCE if patience is None else patience
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.mutants.machinery.warm"])
        self._places: queue.SimpleQueue[int] = queue.SimpleQueue()
        for place in range(places):
            self._places.put(place)
        self._count = places
        self._running: set[ForkServerProcess] = set()
        self._lock = threading.Lock()
        self._closed = False

    def each(self, jobs: Iterable[T], act: Callable[[T], Ended]) -> Iterator[tuple[T, Ended]]:
        """Do `act`, which calls `run`, for every job; yield each result as it comes."""
        with ThreadPoolExecutor(self._count) as pool:
            under_way: dict[Future[Ended], T] = {pool.submit(act, one): one for one in jobs}
            try:
                while under_way:
                    for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                        yield under_way.pop(done), done.result()
            finally:
                for one in under_way:
                    one.cancel()
                self._end()

    def run(self, prepare: Callable[[Path], Path], words: Iterable[str]) -> Ended:
        """Judge what `prepare` puts into a folder; it returns the target file."""
        place = self._places.get()
        try:
            with tempfile.TemporaryDirectory(prefix="kill-matrix-") as name:
                folder = Path(name)
                return self._judged(folder, prepare(folder), [*_instances(place), *words])
        finally:
            self._places.put(place)

    def _judged(self, folder: Path, target: Path, words: list[str]) -> Ended:
        output, reports = folder / "output.txt", folder / "reports"
        # That the check refuses none of them is tried by `attached`.
        given = [*words, "--unchecked", "--target", str(target), "--report", str(reports)]
        process = self._context.Process(target=_child, args=(str(output), given))
        with self._lock:
            if self._closed:
                return Ended(-1, None, "interrupted")
            process.start()
            self._running.add(process)
        process.join(self._patience)
        late = process.exitcode is None
        if late:
            _stop(process)
        with self._lock:
            self._running.discard(process)
        printed = output.read_text("utf-8", "replace") if output.exists() else ""
        if late:
            printed += f"\nthe run did not end within {self._patience:g} s"
        report = None
        with contextlib.suppress(OSError, ValueError):
            report = parse_json((reports / report_folder.REPORT_JSON).read_text("utf-8"))
        whole = report is not None and report.complete and not late
        return Ended(process.exitcode or 0, report if whole else None, printed)

    def _end(self) -> None:
        with self._lock:
            self._closed = True
            running = list(self._running)
        for one in running:
            _stop(one)


def _stop(process: ForkServerProcess) -> None:
    process.terminate()
    process.join(_END_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()


def _instances(place: int) -> list[str]:
    host = f"127.0.0.{_HOST_FROM + place}"
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            host = "127.0.0.1"
    return ["--fleet-address", host, "--fleet-ports", "free"]


def _child(output: str, words: list[str]) -> None:
    """Run pytest in this process, which was forked for it, and exit with its status."""
    import pytest  # noqa: PLC0415 - loaded already, in the process from which this one was forked

    from tests.mutants.machinery.warm import WORDS  # noqa: PLC0415

    # Ctrl-C at a terminal is for the parent, which stops its runs in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    file = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    # The pages for people take longer to write than most of these runs.
    report_folder.RENDERERS = {report_folder.REPORT_JSON: render_json}
    recorder.json_lines = lambda _: ""
    status = pytest.main([*WORDS, *words])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(status))
