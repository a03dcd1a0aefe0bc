"""What a terminal shows of a cause: polls folded, acts and the end kept, and nothing cut without a sign."""

from __future__ import annotations

from dataclasses import replace

from harness.report import text
from harness.report.causes.telling import excerpt
from tests.harness.report.test_causes import failed
from tests.harness.reporting import CATALOGUE, report_of
from tests.harness.support import scenario


def test_an_excerpt_folds_polls_and_keeps_the_acts() -> None:
    polls = [
        f"  {at}.000 s  {words}"
        for at in range(30)
        for words in (
            "implementation → instance 3001: GET /health/detailed",
            "instance 3001 → implementation: 200 to GET /health/detailed",
        )
    ]
    act = "  1.000 s  implementation → instance 3001: POST /api/messages/send"
    found = excerpt(["  0.000 s  ── When it rains", *polls, act, *polls, "  9.000 s  ── Then it is wet"], 7)

    assert len(found) == 7
    assert found[1] == "  0.000 s  implementation → instance 3001: GET /health/detailed (30 times)"
    assert found[3] == act


def test_an_excerpt_without_room_keeps_the_when_the_acts_and_the_end() -> None:
    setup = [f"  0.000 s  ── And given {one}" for one in range(20)]
    when = ["  1.000 s  ── When it rains", "  1.100 s  user → implementation: send x"]
    after = [f"  2.000 s  ── And then {one}" for one in range(20)]
    found = excerpt([*setup, *when, *after], 4)

    assert {*when, after[-1]} <= {*found}
    assert sum("more line" in one for one in found) == 2


def test_requirement_words_that_are_cut_say_so() -> None:
    one = failed("a", "the sky is blue", "it is grey")
    report = report_of(CATALOGUE, [scenario("a", "SCAN-01")], [one], [one.node])
    long = tuple(replace(each, words="word " * 80) for each in report.requirements)
    lines = text.summary(replace(report, requirements=long))

    assert any(line.strip().endswith("word…") for line in lines)
