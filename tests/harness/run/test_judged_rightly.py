"""Who is judged, by what: not by a scene that never came about, nor by a moment in which all stood still."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.requirements import Profile
from harness.catalogue.verdict import Outcome
from harness.report.model import Report, parse_json
from tests.harness.commands import assert_nothing_is_left, features, run
from tests.mutants.machinery.registry import CONTROL_PLANE, mutants
from tests.mutants.machinery.trials import launched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STALLS = """
import time
from pathlib import Path
from reference_impl.__main__ import build
from reference_impl.fix.locator import Holding, Locator
from reference_impl.fix.sender import Sender
from reference_impl.server import serve

send, ask, left = Sender.send, Locator.ask, Path({left!r})

def sends(self, account_id, message):
    times = int(left.read_text())
    STALLING[0] = message.text.startswith("hello") and times > 0
    left.write_text(str(times - STALLING[0]))
    return send(self, account_id, message)

async def asks(self, base, session_id, since):
    if not STALLING[0]:
        return await ask(self, base, session_id, since)
    STALLING[0] = False
    time.sleep(1.4)
    return Holding.UNKNOWN

STALLING = [False]
Sender.send, Locator.ask = sends, asks
serve(build)
"""
"""It stands still for 1.4 s in as many sends as a file says, and takes what it asked meanwhile for unanswered."""


def judged(host: str, folder: Path, target: Path, ids: Sequence[str]) -> tuple[int, Report, str]:
    """Judge what a target file attaches by these requirements."""
    saved = target.parent / "reports"
    wanted = [word for id_ in ids for word in ("--requirement", id_)]
    ended = run(features(host, "--target", str(target), "--report", str(saved), *wanted), folder)
    assert_nothing_is_left(host, folder)
    return ended.returncode, parse_json((saved / "report.json").read_text("utf-8")), ended.stdout


def outcomes(report: Report) -> dict[str, Outcome]:
    return {
        f"{one.name} [{one.row}]" if one.row else one.name: one.outcome for one in report.scenarios if one.ran
    }


def test_who_never_asks_is_convicted_of_that_and_not_of_a_race_that_never_came_about(
    host: str, folder: Path, tmp_path: Path
) -> None:
    target = launched([mutants()["verification-never-called"]], (Profile.CORE, Profile.RESILIENCE))(tmp_path)

    code, report, output = judged(host, folder, target, ["VERIFY-01", "SEND-03", "VERIFY-05", "SCAN-11"])

    assert code == 1, output
    assert report.requirement("VERIFY-01").outcome is Outcome.FAILED
    assert report.requirement("SCAN-11").outcome is Outcome.NOT_JUDGED
    assert report.requirement("VERIFY-05").outcome is Outcome.NOT_JUDGED
    assert outcomes(report)["A session that moves after its verification is followed"] is Outcome.NOT_JUDGED
    (why,) = report.requirement("VERIFY-05").reasons
    assert "instance 3001 never met the occasion when it" in why
    assert "so this says nothing: expected instance 3002 delivers" in why


def test_who_ignores_reconnections_is_convicted_of_that_alone(
    host: str, folder: Path, tmp_path: Path
) -> None:
    target = launched([mutants()["session-reconnected-not-handled"]], CONTROL_PLANE)(tmp_path)

    code, report, output = judged(
        host, folder, target, ["WEBHOOK-02", "WEBHOOK-12", "SCAN-11", "HEALTH-09", "MONITOR-03"]
    )

    assert code == 1, output
    assert [one.id for one in report.of(Outcome.FAILED)] == ["WEBHOOK-02"], output
    (why,) = report.requirement("WEBHOOK-12").reasons
    assert "the scene did not come about, at: Given the session has reconnected on instance 3003" in why
    assert any(
        "so it is with nothing else under way" in one for one in report.requirement("HEALTH-09").reasons
    )


@pytest.mark.parametrize(("times", "outcome"), [(1, Outcome.PASSED), (99, Outcome.FAILED)])
def test_who_stood_still_once_is_judged_again_and_who_always_does_is_convicted(
    host: str, folder: Path, tmp_path: Path, times: int, outcome: Outcome
) -> None:
    program, target = tmp_path / "stalls.py", tmp_path / "stalls.toml"
    left = tmp_path / "left"
    left.write_text(str(times), "utf-8")
    program.write_text(STALLS.format(left=str(left)), "utf-8")
    command = f"[{sys.executable!r}, {str(program)!r}]"
    target.write_text(f"[implementation]\nname = 'stalls'\n[launch]\ncommand = {command}\n", "utf-8")

    _, report, output = judged(host, folder, target, ["VERIFY-02"])

    (one,) = (each for each in report.scenarios if each.ran)
    excused = one.outcome is Outcome.NOT_JUDGED and "it went wrong 3 times" in one.reason
    # Where others leave nothing of this machine, nobody can be convicted; nor does anybody pass who always fails.
    assert one.outcome is outcome or excused, output
    assert one.judged_again
    assert "s while somebody waited for it" in one.again_because or "stood still" in one.again_because
    assert "judged again    core/verification.feature::A verified session is used" in output
