"""Log lines, read from a file that someone else writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import log_events
from harness.attach.log_file import MOST_FILES, FileLog, SeveralLogs
from harness.errors import NotJudgedError
from harness.json_text import object_at
from harness.log_events import parse_line

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "🔄 Auto-syncing assigned_instance_url from webhook header"


@pytest.mark.parametrize(
    ("written", "fields"),
    [
        (f'{TEXT} {{"session_id":"s","old_url":null}}', {"session_id": "s", "old_url": None}),
        (f'[2024-11-22 10:00:00] production.INFO: {TEXT} {{"session_id":"s"}}', {"session_id": "s"}),
        (f'[2024-11-22 10:00:00] production.INFO: {TEXT} {{"session_id":"s"}} []', {"session_id": "s"}),
        (f'{TEXT} {{"session_id":"s"}} {{"extra":1}}', {"session_id": "s"}),
        ('{not json} {"a":1}', {"a": 1}),
        ('set {} to {"a":{"b":"}{"}}', {"a": {"b": "}{"}}),
        ('{"message":"Session verified","a":1}', {"message": "Session verified", "a": 1}),
        ('{{"a":1}', {"a": 1}),
        ("no object at all", {}),
        ('cut off {"a":', {}),
        ('{"x} {"y} {"a":1}', {"a": 1}),
        (
            '{"message":"Session verified","context":{"session_id":"s","level":1},"level":200}',
            {
                "message": "Session verified",
                "context": {"session_id": "s", "level": 1},
                "session_id": "s",
                "level": 200,
            },
        ),
        ('INFO: text {"a":{"b":1}}', {"a": {"b": 1}}),
        ("{}", {}),
        ("", {}),
    ],
)
def test_a_line_is_its_text_and_the_object_in_it(written: str, fields: dict[str, object]) -> None:
    line = parse_line(written)

    assert line.text == written
    assert line.fields == fields


@pytest.mark.parametrize("piece", ['{"a":', '{"a":[[[[', '{"', '{"a":{"b":1},'])
def test_a_line_is_tried_a_few_times_in_all(monkeypatch: pytest.MonkeyPatch, piece: str) -> None:
    looked_at = []

    def tried(text: str, start: int) -> dict[str, object]:
        try:
            return object_at(text, start)
        except ValueError as problem:
            looked_at.append(getattr(problem, "pos", len(text)) - start)
            raise

    monkeypatch.setattr(log_events, "object_at", tried)
    line = piece * 400
    parse_line(line)

    assert sum(looked_at) <= 5 * len(line) + 500
    assert len(looked_at) <= len(line) / 20 + 5


def test_whole_lines_are_read_from_a_position(tmp_path: Path) -> None:
    path = tmp_path / "sync.log"
    log = FileLog(path)
    assert (log.position(), log.lines(0)) == (0, ())

    path.write_bytes("one 🔄\n".encode())
    position = log.position()
    path.write_bytes("one 🔄\ntwo\nhalf 🔄".encode()[:-2])
    assert [line.text for line in log.lines(0)] == ["one 🔄", "two"]
    assert [line.text for line in log.lines(position)] == ["two"]
    path.write_bytes("one 🔄\ntwo\nhalf 🔄 and whole\n".encode())
    assert [line.text for line in log.lines(position)] == ["two", "half 🔄 and whole"]


def test_neither_bad_bytes_nor_other_separators_stop_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "sync.log"
    path.write_bytes(b'\xff\xfe {"a":1}\na\xe2\x80\xa8b\x0c {"b":2}\n')

    assert [line.fields for line in FileLog(path).lines(0)] == [{"a": 1}, {"b": 2}]


def test_several_files_are_read_each_from_its_own_end(tmp_path: Path) -> None:
    web, worker = tmp_path / "web.log", tmp_path / "worker.log"
    web.write_text("old\n")
    log = SeveralLogs([web, worker])
    position = log.position()
    web.write_text("old\nnew\n")
    worker.write_text("first\n")

    assert [line.text for line in log.lines(position)] == ["new", "first"]
    assert [line.text for line in log.lines(log.position())] == []
    assert [line.text for line in log.lines(0)] == ["old", "new", "first"]
    assert log.place_of("new") == "web.log, line 2"
    assert log.place_of("first") == "worker.log, line 1"
    assert log.place_of("never written") == ""


def test_files_that_fit_a_name_are_read_whenever_they_appear(tmp_path: Path) -> None:
    log = SeveralLogs([tmp_path / "logs" / "app-*.log"])
    assert (log.lines(log.position()), log.place_of("one")) == ((), "")
    (tmp_path / "logs").mkdir()
    position = log.position()
    (tmp_path / "logs" / "app-2024-11-22.log").write_text("one\n")
    assert [line.text for line in log.lines(position)] == ["one"]
    (tmp_path / "logs" / "app-2024-11-23.log").write_text("two\n")
    (tmp_path / "logs" / "other-2024-11-23.log").write_text("none of it\n")
    assert [line.text for line in log.lines(position)] == ["one", "two"]
    assert log.place_of("two") == "app-2024-11-23.log, line 1"


def test_a_file_that_is_rotated_is_read_on_and_its_lines_once(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("old\n")
    log = SeveralLogs([tmp_path / "app.log*"])
    position = log.position()
    path.write_text("old\nbefore\n")
    assert [line.text for line in log.lines(position)] == ["before"]
    with path.open("a") as kept_open:
        path.rename(tmp_path / "app.log.1")
        kept_open.write("written late\n")
    path.write_text("after\n")
    assert [line.text for line in log.lines(position)] == ["before", "written late", "after"]


def test_a_file_that_was_cut_off_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("a line that was there before\n")
    log = SeveralLogs([path])
    position = log.position()
    path.write_text("new\n")
    assert [line.text for line in log.lines(position)] == ["new"]


def test_more_files_than_are_read_leave_a_scenario_unjudged(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 1):
        (tmp_path / f"{number}.log").touch()
    with pytest.raises(NotJudgedError, match="101 files fit the names of the log"):
        SeveralLogs([tmp_path / "*.log"]).position()
