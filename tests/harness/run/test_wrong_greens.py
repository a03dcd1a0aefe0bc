"""Ways to get a green run that ought not to be one, tried for real on a small suite of its own.

The suite takes the place of the features that come with the harness, and its scenarios need no implementation, so
that everything about a run is real but what it judges.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.catalogue.verdict import Outcome
from harness.report.formats import RENDERERS
from harness.report.model import Report, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CATALOGUE = """revision = 1
""" + "".join(
    f"""
[[requirement]]
id = "{id_}"
level = "{level}"
profile = "core"
words = "{id_} holds."
source = ["field"]
"""
    for id_, level in (("SCAN-01", "must"), ("SCAN-02", "must"), ("SCAN-07", "should"))
)
FEATURE = """
Feature: Small

  @SCAN-01
  Scenario: First
    Then all is well with first

  @SCAN-02
  Scenario Outline: Rows
    Then all is well with <row>

    Examples:
      | row |
      | one |
      | two |

  @SCAN-07
  Scenario: Last
    Then all is well with last
"""
STEPS = """
import os
from pytest_bdd import parsers, scenarios, then
from harness import ConformanceFailure

scenarios(".")

@then(parsers.parse("all is well with {what}"))
def well(what):
    if what == os.environ.get("FAILS"):
        raise ConformanceFailure("all well", what)
"""
WORLD = """
import os, pytest, shutil

@pytest.fixture
def world():
    return None
"""
RUNS_MANY = """
import contextlib, io, json, os, sys, tempfile
from pathlib import Path
import pytest
with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()):
    pytest.main(["--collect-only", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={empty}", empty])
from harness.catalogue import features as suite
from harness.cli import main as cli

for line in sys.stdin:
    order = json.loads(line)
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    os.chdir(order["folder"])
    os.environ["FAILS"] = order["fails"]
    suite.features_root = lambda: Path(order["folder"]) / "features"
    suite.catalogue.cache_clear()
    written = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for here, there in ((os.open(os.devnull, os.O_RDONLY), 0), (written, 1), (written, 2)):
        os.dup2(here, there)
    sys.exit(cli.main(order["words"]) if order["words"][0] == "verify" else pytest.main(order["words"]))
"""
"""Most of such a run is the start of Python. This starts once, and each run is still a process of its own."""
WORKERS_TOO = """
from pathlib import Path
from harness.catalogue import features as suite

suite.features_root = lambda: Path(__file__).parent / "features"
"""


@dataclass
class Small:
    """The small suite, in a folder that it is run in."""

    folder: Path
    saved: Path
    runner: subprocess.Popen[str]

    def write(self, file: str, text: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def run(
        self, *options: str, conftest: str = "", fails: str = "", verify: bool = False, output: str = ""
    ) -> tuple[int, str]:
        """Run it, and return the exit code and what was printed, or where else the output went."""
        self.write("features/conftest.py", WORLD + conftest)
        own = ["features", "-c", os.devnull, f"--rootdir={self.folder}", "-p", "no:cacheprovider"]
        # Neither has a say here, and each takes a while to start.
        own += ["-p", "no:schemathesis", "-p", "no:hypothesispytest"]
        words = [*(["verify"] if verify else own), "-q", "--unchecked", "--report", str(self.saved), *options]
        if verify and "-n" not in options:
            words += ["-n", "0"]
        if "popen" in " ".join(options) or "-n" in options:
            words += ["-p", "small_suite", "-p", "no:faker"]
        into = output or str(self.folder / "output.txt")
        order = {"folder": str(self.folder), "words": words, "output": into, "fails": fails}
        assert self.runner.stdin is not None
        assert self.runner.stdout is not None
        self.runner.stdin.write(json.dumps(order) + "\n")
        self.runner.stdin.flush()
        code = int(self.runner.stdout.readline())
        return code, "" if output else (self.folder / "output.txt").read_text("utf-8")

    def report(self) -> Report:
        return parse_json((self.saved / "report.json").read_text("utf-8"))

    def red(self) -> bool:
        root = ET.parse(self.saved / "report.xml").getroot()
        return int(root.get("failures", "")) + int(root.get("errors", "")) > 0


@pytest.fixture(scope="module")
def runner() -> Iterator[subprocess.Popen[str]]:
    piped = subprocess.PIPE
    # A worker is a program of its own, and finds the module beside the suite that it runs.
    environment = {**os.environ, "PYTHONPATH": "."}
    with subprocess.Popen(
        [sys.executable, "-c", RUNS_MANY], stdin=piped, stdout=piped, text=True, env=environment
    ) as started:
        yield started
        assert started.stdin is not None
        started.stdin.close()


@pytest.fixture
def small(tmp_path: Path, runner: subprocess.Popen[str]) -> Small:
    made = Small(tmp_path, tmp_path / "saved", runner)
    made.write("small_suite.py", WORKERS_TOO)
    made.write("features/requirements.toml", CATALOGUE)
    made.write("features/known-defects.json", "[]\n")
    made.write("features/core/small.feature", FEATURE)
    made.write("features/test_features.py", STEPS)
    return made


@pytest.mark.parametrize("options", [[], ["-n", "2"], ["-x"], ["-p", "no:randomly"]], ids=" ".join)
def test_what_follows_is_tried_on_a_run_that_must_be_green(small: Small, options: list[str]) -> None:
    code, output = small.run(*options)

    assert code == 0, output
    assert small.report().verdict.why == "all 2 MUSTs of the claimed profiles passed"
    assert not small.red()


LAST = "def pytest_runtest_teardown(item, nextitem):\n    if nextitem is None: "
EACH = "def pytest_collection_modifyitems(items):\n    for one in items: one.add_marker(pytest.mark."
MUST_LAST = (
    "def pytest_collection_finish(session):\n"
    "    session.items.sort(key=lambda one: one.name != 'test_last')\n\n"
)
FIRST_OUT = "{0}[:] = [one for one in {0} if one.name != 'test_first']"
AT_THE_END = "def pytest_sessionfinish():\n    "
TWICE = """
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("again")
    metafunc.parametrize("again", [1, 2])
"""
LIES = """
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome = "passed"
    return report
"""
WAYS: dict[str, tuple[int, str, list[str]]] = {
    # what is left out, and how
    "a row is deselected": (2, "", ["--deselect", "features/test_features.py::test_rows[two]"]),
    "a word leaves a row out": (2, "", ["-k", "not two"]),
    "a word leaves everything out": (2, "", ["-k", "nothing"]),
    "one row runs twice and the other is left out": (2, TWICE, ["-k", "not two"]),
    "the module is ignored": (2, "", ["--ignore=features/test_features.py"]),
    "a plugin takes one out": (
        2,
        "def pytest_collection_modifyitems(items):\n    " + FIRST_OUT.format("items"),
        [],
    ),
    "a plugin takes one out when it has begun": (
        2,
        "def pytest_runtestloop(session):\n    " + FIRST_OUT.format("session.items"),
        [],
    ),
    "only set up": (2, "", ["--setup-only"]),
    "only planned": (2, "", ["--setup-plan"]),
    # what runs and is not judged
    "all are skipped": (2, EACH + "skip)", []),
    "all are expected to fail and not run": (2, EACH + "xfail(run=False))", []),
    # what breaks off
    "pytest is ended in the last one": (2, MUST_LAST + LAST + "pytest.exit('bye', returncode=0)", []),
    "Ctrl-C in the last one": (2, MUST_LAST + LAST + "raise KeyboardInterrupt", []),
    "pytest is ended before the first": (
        2,
        "def pytest_collection_finish():\n    pytest.exit('x', returncode=0)",
        [],
    ),
    "pytest is ended at the end": (2, AT_THE_END + "pytest.exit('bye', returncode=0)", []),
    "pytest is ended at the end, with workers": (
        2,
        AT_THE_END + "pytest.exit('bye', returncode=0)",
        ["-n", "2"],
    ),
    "Ctrl-C at the end": (2, AT_THE_END + "raise KeyboardInterrupt", []),
    "a plugin breaks at the end": (3, AT_THE_END + "raise ValueError('bye')", []),
    "a plugin breaks amid the run": (3, "def pytest_runtest_logreport():\n    raise ValueError('bye')", []),
    "a plugin breaks at the report": (3, "def pytest_runtest_makereport():\n    raise ValueError('bye')", []),
    "a plugin breaks at the collection": (
        3,
        "def pytest_collection_modifyitems():\n    raise ValueError('x')",
        [],
    ),
}


@pytest.mark.parametrize(("code", "conftest", "options"), WAYS.values(), ids=WAYS.keys())
def test_no_way_to_leave_out_or_break_off_makes_a_run_green(
    small: Small, code: int, conftest: str, options: list[str]
) -> None:
    ended, output = small.run(*options, conftest=conftest)

    report = small.report()
    assert (ended, report.verdict.exit_code, report.complete) == (code, code, True), output
    assert small.red()


FAILING = {
    "stopped at it": ("", ["-x", "-p", "no:randomly"]),
    "by a plugin it passed": (LIES, []),
    "it was expected": (EACH + "xfail)", []),
    "pytest was ended at the end": (AT_THE_END + "pytest.exit('bye', returncode=0)", []),
    "by two workers each": ("", ["--dist=each", "--tx", "2*popen"]),
}


@pytest.mark.parametrize(("conftest", "options"), FAILING.values(), ids=FAILING.keys())
def test_nothing_hides_that_a_must_failed(small: Small, conftest: str, options: list[str]) -> None:
    ended, output = small.run(*options, conftest=conftest, fails="first")

    assert (ended, small.report().verdict.why) == (1, "failed: SCAN-01"), output
    assert small.red()


def test_a_should_that_failed_last_under_x_is_no_green_run(small: Small) -> None:
    ended, output = small.run("-x", "-p", "no:randomly", fails="last")

    assert (ended, small.report().verdict.exit_code) == (2, 2), output


@pytest.mark.parametrize("break_it", ["shutil.rmtree(SAVED)", "os.unlink(HTML); os.mkdir(HTML)"])
def test_a_report_that_cannot_be_saved_at_the_end_is_a_harness_error(small: Small, break_it: str) -> None:
    names = f"SAVED = {str(small.saved)!r}\nHTML = SAVED + '/report.html'\n"
    ended, output = small.run(conftest=names + LAST + break_it)

    assert ended == 3, output
    assert "report          could not be saved: " in output


def test_a_disk_that_fills_up_at_the_end_leaves_every_report_as_one_that_has_not_ended(small: Small) -> None:
    full = (
        "import tempfile; own = tempfile.mkstemp; tempfile.mkstemp = lambda **how: own(**how) if 'svg' not in "
        "how['prefix'] else (_ for _ in ()).throw(OSError(28, 'No space left on device'))"
    )
    ended, output = small.run(conftest=LAST + full)

    assert ended == 3, output
    assert "No space left on device" in output
    assert not small.report().complete
    assert small.red()
    assert "had not ended" in (small.saved / "report.md").read_text("utf-8")
    assert json.loads((small.saved / "badge.json").read_text("utf-8"))["message"] == "the run has not ended"
    assert {one.name for one in small.saved.iterdir()} == {*RENDERERS, "history"}


def test_an_output_that_cannot_be_written_is_no_finding_against_the_implementation(small: Small) -> None:
    ended, _ = small.run(verify=True, output="/dev/full")

    assert ended == 3


def test_the_installed_command_takes_workers(small: Small) -> None:
    ended, output = small.run("-n", "2", verify=True)
    assert (ended, small.report().verdict.why) == (0, "all 2 MUSTs of the claimed profiles passed"), output
    assert small.run("-n", "2", verify=True, fails="first")[0] == 1


def test_nothing_goes_on_from_a_report_with_a_scenario_that_was_renamed(small: Small) -> None:
    small.run(fails="first")
    before = small.report()
    small.write("features/core/small.feature", FEATURE.replace("Scenario: First", "Scenario: Renamed"))

    again, output = small.run("--rerun-failed")
    assert (again, small.report()) == (4, before), output
    assert "core/small.feature::First, which is no scenario now; run it again whole" in output
    assert small.run(fails="first")[0] == 1


def test_of_two_scenarios_with_one_name_the_one_that_never_runs_is_not_judged(small: Small) -> None:
    small.write("features/core/small.feature", FEATURE.replace("Scenario: Last", "Scenario: First"))

    ended, output = small.run()

    report = small.report()
    assert (ended, report.verdict.why) == (2, "nothing failed, but not judged: SCAN-01"), output
    (hidden,) = (one for one in report.scenarios if not one.ran)
    assert hidden.reason == "never ran, for another one in its file has the same name"
    assert len({one.id for one in report.scenarios}) == len(report.scenarios)


def test_a_step_that_is_async_would_pass_without_running_and_so_breaks(small: Small) -> None:
    small.write("features/test_features.py", STEPS.replace("def well", "async def well"))

    ended, output = small.run(fails="first")

    assert ended == 3, output
    assert "the step well is async, and so would never run; write it with def" in output


def test_scenarios_of_a_user_are_counted_for_their_requirement(small: Small) -> None:
    small.write(
        "own/own.feature", "Feature: Own\n\n  @SCAN-01\n  Scenario: Ours\n    Then all is well with ours\n"
    )
    small.write("own/test_ours.py", STEPS)
    small.write("own/conftest.py", WORLD)

    alone, output = small.run("own", fails="ours")
    assert (alone, small.report().verdict.why) == (1, "failed: SCAN-01"), output
    with_all, output = small.run("own", "features", fails="ours")
    assert (with_all, small.report().verdict.why) == (1, "failed: SCAN-01"), output
    assert small.run("own", "features")[0] == 0


def test_a_row_that_is_written_twice_needs_to_run_once(small: Small) -> None:
    small.write("features/core/small.feature", FEATURE.replace("| two |", "| one |"))

    assert small.run()[0] == 0


def test_a_time_bound_that_was_missed_with_more_that_went_wrong_is_not_judged_again(small: Small) -> None:
    slow_once = STEPS.replace(
        "import ConformanceFailure", "import TimeBoundFailure as ConformanceFailure"
    ).replace('os.environ.get("FAILS"):', 'os.environ.pop("FAILS", ""):')
    small.write("features/test_features.py", slow_once)
    assert small.run("-p", "no:randomly", fails="first")[0] == 0
    assert [one.name for one in small.report().scenarios if one.judged_again] == ["First"]

    once = "TIMES = []\ndef pytest_runtest_teardown():\n    TIMES.append(1)\n    if len(TIMES) == 1: raise OSError"
    ended, output = small.run("-p", "no:randomly", conftest=once, fails="first")

    assert ended == 3, output
    assert [one.outcome for one in small.report().scenarios if one.name == "First"] == [Outcome.BROKEN]
