"""What an implementation wrote is recorded as a scenario goes along: in order, bounded, and without secrets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from fake_instances.journal import Journal
from harness.history import History, ImplementationWrote, StepReached
from harness.report.events import events_of
from harness.scenario.said import LONGEST_LINE, MOST_BYTES, MOST_LINES, Said

if TYPE_CHECKING:
    from pathlib import Path

    from harness.scenario.scene import Scene

SECRET = "0123456789abcdef" * 2


class Stage:
    """A scene with a file of output and a file of log."""

    def __init__(self, folder: Path) -> None:
        self.output, self.log, self.journal = folder / "output.log", folder / "app.log", Journal()
        self.written = {self.output: "output", self.log: "log"}
        self.output.write_text("of an earlier scenario\n", "utf-8")
        scene = SimpleNamespace(journal=self.journal, written=self.written)
        self.said = Said(cast("Scene", scene), (SECRET,))

    def write(self, path: Path, text: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)

    @property
    def told(self) -> list[str]:
        self.said.hear()
        wrote = (one for one in self.journal.entries() if isinstance(one, ImplementationWrote))
        return [f"{one.where}: {one.text}" for one in wrote]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_only_what_came_since_the_scenario_began_is_told_and_each_line_once(stage: Stage) -> None:
    stage.write(stage.output, "up\n")
    stage.write(stage.log, "[now] INFO: seen\n")

    assert stage.told == ["output: up", "log: [now] INFO: seen"]
    assert len(stage.told) == 2


def test_a_line_is_told_when_it_is_whole_and_stands_between_the_steps(stage: Stage) -> None:
    stage.write(stage.output, "hal")
    stage.said.hear()
    stage.journal.record(StepReached(text="When it rains"))
    stage.write(stage.output, "ves\n")

    assert stage.told == ["output: halves"]
    events = events_of(History(stage.journal.entries()))
    assert [one.words for one in events] == ["When it rains", "output: halves"]
    assert events[1].source == "implementation"


def test_a_log_that_was_written_anew_is_read_from_its_beginning(stage: Stage) -> None:
    stage.write(stage.output, "a long line that is read\n")
    assert len(stage.told) == 1
    stage.output.write_text("anew\n", "utf-8")

    assert stage.told[1:] == ["output: anew"]


def test_secrets_are_taken_out_before_anything_is_cut(stage: Stage) -> None:
    stage.write(stage.output, f"key {SECRET}\n" + "x" * (LONGEST_LINE - 9) + f"{SECRET}\n")
    stage.write(stage.log, "y" * (MOST_BYTES - 8) + SECRET)

    assert SECRET[:8] not in "".join(stage.told)


def test_a_flood_is_bounded_and_said_to_be_one(stage: Stage) -> None:
    stage.write(stage.output, "z\n" * MOST_BYTES)
    first = stage.told
    stage.write(stage.output, "z\n" * 500)

    assert len(first) <= MOST_LINES + 1
    assert f"only {MOST_LINES} lines" in first[-1]
    assert stage.told == first


def test_a_file_that_is_none_is_left_out(stage: Stage, tmp_path: Path) -> None:
    stage.written[tmp_path] = "log"

    assert stage.told == []
