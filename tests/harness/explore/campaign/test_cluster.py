"""Units told by a Dask cluster of two workers on this machine: nothing is lost, and nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.harness.commands import COMMAND, run, started
from tests.harness.explore.campaign.processes import assert_no_unit_is_left, listening, of_units, telling
from tests.harness.support import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.thorough
LONG = 18 * PATIENCE
DASK = str(Path(sys.executable).with_name("dask"))
STORIES = ["explore", "--target", "before-fix", "--stories", "60", "--findings", "0"]
UNITS = ["--unit-stories", "10"]


class Cluster:
    """A scheduler and two workers, each under a nanny that starts it again; `folder` has their temporary files."""

    def __init__(self, host: str, folder: Path) -> None:
        self.address = ""
        self._host = host
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        file = self._folder / "scheduler.json"
        own = ["--host", self._host, "--no-dashboard"]
        self._run("scheduler", "--port", "0", "--scheduler-file", str(file), *own)
        until(
            lambda: file.exists() and file.read_text("utf-8").endswith("}"),
            "the scheduler is up",
            patience=LONG,
        )
        self.address = json.loads(file.read_text("utf-8"))["address"]
        for name in ("one", "two"):
            local = ["--name", name, "--local-directory", str(self._folder)]
            self._run("worker", self.address, "--nthreads", "1", "--resources", "fleet=1", *local, *own)

    def _run(self, *words: str) -> None:
        with (self._folder / "cluster.log").open("ab") as log:
            environment = {**os.environ, "TMPDIR": str(self._folder)}
            self._started.append(
                subprocess.Popen(
                    [DASK, *words], stdout=log, stderr=log, env=environment, start_new_session=True
                )
            )

    def kill_scheduler(self) -> None:
        self._started[0].kill()

    def end(self) -> None:
        for one in reversed(self._started):
            one.terminate()
        for one in self._started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(PATIENCE)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()


@pytest.fixture
def cluster(host: str, folder: Path) -> Iterator[Cluster]:
    made = Cluster(host, folder)
    try:
        made.start()
        yield made
    finally:
        made.end()


def explored(host: str, folder: Path, report: Path, *words: str) -> dict[str, Any]:
    """Explore to the end, and return the report."""
    own = ["--fleet-address", host, "--counterexamples", str(report / "kept"), "--report", str(report)]
    ended = run([str(COMMAND), *STORIES, *own, *words], folder, patience=LONG)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found: dict[str, Any] = json.loads((report / "explore.json").read_text("utf-8"))
    return found


def found_in(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what makes a finding the same: the check, and the story that breaks it."""
    return sorted(
        (one["requirement"], one["then"], json.dumps(one["story"])) for one in report["not_looked_into"]
    )


def test_a_cluster_finds_what_one_process_does(
    cluster: Cluster, host: str, folder: Path, tmp_path: Path
) -> None:
    spread = ["--results", str(tmp_path / "results"), "--scheduler", cluster.address, *UNITS, "-n", "1"]
    together = explored(host, folder, tmp_path / "together", *spread)
    alone = explored(host, folder, tmp_path / "alone", "-n", "1")

    assert found_in(together) == found_in(alone) != []
    assert together["stories"] == alone["stories"]
    assert (together["campaign"]["units"], together["campaign"]["missing"]) == (6, [])
    assert {one.split()[-1] for one in together["campaign"]["workers"]} == {"one", "two"}
    assert_no_unit_is_left(folder, [])


def test_a_worker_that_is_killed_is_made_up_for_and_leaves_nothing(
    cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    words = ["--results", str(results), "--scheduler", cluster.address, "--unit-stories", "30"]
    with started([str(COMMAND), *STORIES, *words], folder) as process:
        until(lambda: len(telling(folder)) == 2 or process.poll() is not None, "both tell", patience=LONG)
        told = telling(folder)[0]
        guard = told.parent()
        assert guard is not None
        worker, family = guard.parent(), [guard, told, *told.children(recursive=True)]
        assert worker is not None
        ports = [where for one in family for where in listening(one)]
        worker.kill()
        _, left = psutil.wait_procs(family, timeout=PATIENCE)
        assert left == []
        output = process.communicate(timeout=LONG)[0]

    assert {port for _, port in ports} >= {3001, 3002, 3003, 3004}
    assert process.returncode == 0, output
    assert "2 units, told by" in output
    assert "missing" not in output
    assert_no_unit_is_left(folder, ports)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda one: one.name)
def test_a_campaign_that_is_cut_short_leaves_nothing_on_any_worker_and_goes_on_where_it_was(
    cluster: Cluster, folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    results = tmp_path / "results"
    words = ["--results", str(results), "--scheduler", cluster.address, *UNITS]
    with started([str(COMMAND), *STORIES, *words], folder) as process:
        until(
            lambda: bool([*results.glob("*.json")] and telling(folder)) or process.poll() is not None,
            "there is a result, and more to come",
            patience=LONG,
        )
        ports = [where for one in of_units(folder) for where in listening(one)]
        process.send_signal(number)
        output = process.communicate(timeout=LONG)[0]
        left = of_units(folder)

    assert process.returncode == (130 if number is signal.SIGINT else -number), output
    if number is signal.SIGINT:
        assert left == []
        assert "interrupted; everything that it started is stopped" in output
    assert_no_unit_is_left(folder, ports)
    before = {one.name: one.stat().st_mtime_ns for one in results.glob("*.json")}
    assert 0 < len(before) < 6

    ended = run([str(COMMAND), *STORIES, *words], folder, patience=LONG)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "6 units, told by" in ended.stdout
    after = {one.name: one.stat().st_mtime_ns for one in results.glob("*.json")}
    assert len(after) == 6
    assert {name: after[name] for name in before} == before


def test_a_scheduler_that_is_lost_is_told_and_nothing_is_left(
    cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    words = ["--results", str(tmp_path / "results"), "--scheduler", cluster.address, "--unit-stories", "30"]
    with started([str(COMMAND), *STORIES, *words], folder) as process:
        until(lambda: len(telling(folder)) == 2 or process.poll() is not None, "both tell", patience=LONG)
        ports = [where for one in of_units(folder) for where in listening(one)]
        cluster.kill_scheduler()
        output = process.communicate(timeout=LONG)[0]

    assert process.returncode == 3, output
    assert "the scheduler was lost" in output
    assert "Traceback" not in output
    assert_no_unit_is_left(folder, ports)


def test_where_no_scheduler_answers_that_is_said(host: str, folder: Path, tmp_path: Path) -> None:
    words = ["--results", str(tmp_path / "results"), "--scheduler", f"tcp://{host}:1"]
    ended = run([str(COMMAND), *STORIES, *words], folder, patience=LONG)

    assert ended.returncode == 4
    assert f"--scheduler tcp://{host}:1: no scheduler answers there" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_cluster_judges_what_is_compared_and_brings_its_reports_back(
    cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    narrow = ["--", "--requirement", "TIMELINE-01"]
    compared = ["compare", "reference", "before-fix", "--seeds", "1,2", "--scheduler", cluster.address]
    ended = run([str(COMMAND), *compared, "--report", str(tmp_path), *narrow], folder, patience=LONG)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "4  before-fix" in ended.stdout
    for name, place, outcome in (("reference", 1, "passed"), ("before-fix", 4, "failed")):
        report = json.loads((tmp_path / f"{place}-{name}" / "report.json").read_text("utf-8"))
        found = {one["id"]: one["outcome"] for one in report["requirements"]}
        assert found["TIMELINE-01"] == outcome
        assert (tmp_path / f"{place}-{name}" / "report.html").exists()
    assert_no_unit_is_left(folder, [])
