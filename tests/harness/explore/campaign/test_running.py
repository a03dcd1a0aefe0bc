"""One unit in a program of its own: its result, and that nothing is left of it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import LaunchError, TargetError
from harness.explore.campaign import program, running
from harness.explore.campaign.digests import campaign_of
from harness.explore.campaign.running import Job, StoppedError, run
from harness.explore.campaign.units import Unit
from tests.harness.explore.campaign.processes import assert_no_unit_is_left, listening, telling

if TYPE_CHECKING:
    from pathlib import Path

NOT_COMING_UP = """\
[implementation]
name = "ours"
version = "1"
claims = ["core"]
[launch]
command = ["false"]
"""


@pytest.fixture(autouse=True)
def _scratch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)


def job(target: str, stories: int) -> Job:
    return Job(Unit(campaign_of(target, "sqlite", 1), 0, stories), target, "sqlite")


def never() -> bool:
    return False


def test_a_unit_is_told_and_nothing_is_left(folder: Path) -> None:
    given = job("before-fix", 8)
    result = run(given.to_json(), "somebody", never)

    assert result.unit == given.unit
    assert 0 < result.told.stories <= 8  # it claims no health check, and stories with one are left out
    assert result.worker == "somebody"
    assert "SCAN-01" in {one.violation.promise.requirement for one in result.broken}
    assert_no_unit_is_left(folder, [])


@pytest.mark.thorough
def test_a_unit_that_is_stopped_leaves_nothing(folder: Path) -> None:
    ports: list[tuple[str, int]] = []

    def when_it_listens() -> bool:
        ports.extend(where for one in telling(folder) for where in listening(one))
        return bool(ports)

    with pytest.raises(StoppedError):
        run(job("reference", 500).to_json(), "somebody", when_it_listens)

    assert {port for _, port in ports} >= {3001, 3002, 3003, 3004}
    assert all(host.startswith("127.") and host != "127.0.0.1" for host, port in ports if port == 3001)
    assert_no_unit_is_left(folder, ports)


def test_reasons_have_no_secrets_and_are_not_without_end() -> None:
    reasons = {f"instance {number} said s3cret-of-ours{'!' * 1000}": number for number in range(1, 500)}
    bounded = program._bounded(reasons, ["s3cret-of-ours"])

    assert len(bounded) == program._MOST_REASONS + 1
    assert sum(bounded.values()) == sum(reasons.values())
    assert not [one for one in bounded if "s3cret-of-ours" in one or len(one) > 2 * program._LONGEST_REASON]


@pytest.mark.thorough
@pytest.mark.parametrize(("part", "words"), [("harness", "another harness"), ("target", "is another one")])
def test_another_harness_or_target_than_the_unit_was_made_for_is_refused(
    folder: Path, part: str, words: str
) -> None:
    given = job("reference", 8)
    other = replace(given.unit.campaign, **{part: "0123"})

    with pytest.raises(TargetError, match=words) as refused:
        run(replace(given, unit=replace(given.unit, campaign=other)).to_json(), "somebody", never)
    assert "0123" in str(refused.value)
    assert_no_unit_is_left(folder, [])


@pytest.mark.thorough
def test_an_implementation_that_does_not_come_up_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(NOT_COMING_UP, "utf-8")

    with pytest.raises(LaunchError, match="ours"):
        run(job(str(tmp_path / "ours.toml"), 8).to_json(), "somebody", never)
    assert_no_unit_is_left(folder, [])


def test_a_unit_that_tells_nothing_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PATIENCE_SECONDS", 0.0)

    with pytest.raises(running.HarnessError, match="told no story"):
        run(job("reference", 8).to_json(), "somebody", never)
    assert_no_unit_is_left(folder, [])
