"""How far a run has come, as a terminal shows it."""

from __future__ import annotations

import io

import pytest

from harness.catalogue.tally import Tally
from harness.catalogue.verdict import Outcome
from harness.run.progress import Progress, told
from harness.run.scope import RECORD
from tests.harness.reporting import CATALOGUE, FOUND, LOGGED, SUITE, node, record


@pytest.mark.parametrize(
    ("done", "total", "failed", "seconds", "words"),
    [
        (0, 10, 0, 9.0, "0 of 10 scenarios"),
        (1, 10, 0, 1.9, "1 of 10 scenarios"),
        (1, 10, 0, 2.0, "1 of 10 scenarios, about 18 s left"),
        (5, 10, 2, 9.0, "5 of 10 scenarios, 2 failed, about 9 s left"),
        (9, 10, 0, 2.0, "9 of 10 scenarios, about 1 s left"),
        (1, 10, 0, 9.0, "1 of 10 scenarios, about 1 min 21 s left"),
        (10, 10, 0, 9.0, "10 of 10 scenarios"),
        (11, 10, 0, 9.0, "11 of 11 scenarios"),
    ],
)
def test_time_left_is_reported_once_it_can_be_guessed(
    done: int, total: int, failed: int, seconds: float, words: str
) -> None:
    assert told(done, total, failed, seconds) == words


def test_the_line_is_rewritten_with_each_scenario_and_cleared_at_the_end() -> None:
    tally = Tally(CATALOGUE, SUITE, lambda name: f"test_{name}")
    tally.expect([node(LOGGED), node(FOUND, "3001"), "tests/test_other.py::test_one"])
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    progress = Progress(tally, stream)

    progress.pytest_runtest_logstart()
    tally.add(record(LOGGED, Outcome.FAILED))
    progress.pytest_runtest_logfinish()
    progress.pytest_sessionfinish()

    assert stream.getvalue() == "\r\x1b[2K1 of 2 scenarios, 1 failed\r\x1b[2K"


@pytest.mark.parametrize(
    ("outcome", "category"), [(Outcome.PASSED, "passed"), (Outcome.NOT_JUDGED, "not judged")]
)
def test_a_scenario_is_counted_and_no_dot_is_printed_for_it(outcome: Outcome, category: str) -> None:
    progress = Progress(Tally(CATALOGUE, SUITE, str), io.StringIO())
    report = pytest.TestReport("node", ("f", 1, "d"), {}, "passed", None, "call")

    assert progress.pytest_report_teststatus(report) is None
    setattr(report, RECORD, record(LOGGED, outcome))
    assert progress.pytest_report_teststatus(report) == (category, "", "")
