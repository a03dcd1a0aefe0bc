"""Log lines, read from a file that someone else writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.attach.log_file import FileLog, NoLog
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
        ("{}", {}),
        ("", {}),
    ],
)
def test_a_line_is_its_text_and_the_object_in_it(written: str, fields: dict[str, object]) -> None:
    line = parse_line(written)

    assert line.text == written
    assert line.fields == fields


def test_lines_are_given_since_a_position(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "sync.log")
    assert (log.position(), log.lines(0)) == (0, ())

    (tmp_path / "sync.log").write_text("one 🔄\n", "utf-8")
    position = log.position()
    with (tmp_path / "sync.log").open("a", encoding="utf-8") as file:
        file.write('two {"a":1}\nthree\n')

    assert [line.text for line in log.lines(0)] == ["one 🔄", 'two {"a":1}', "three"]
    assert [line.text for line in log.lines(position)] == ['two {"a":1}', "three"]
    assert log.lines(log.position()) == ()


def test_a_line_that_is_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "sync.log"
    log = FileLog(path)

    path.write_bytes('half "🔄'.encode()[:-2])
    assert log.lines(0) == ()
    path.write_bytes(b"one\nhalf")
    assert [line.text for line in log.lines(0)] == ["one"]
    path.write_bytes(b"one\nhalf and whole\n")
    assert [line.text for line in log.lines(0)] == ["one", "half and whole"]


def test_neither_bad_bytes_nor_other_separators_stop_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "sync.log"
    path.write_bytes(b'\xff\xfe {"a":1}\na\xe2\x80\xa8b\x0c {"b":2}\n')

    assert [line.fields for line in FileLog(path).lines(0)] == [{"a": 1}, {"b": 2}]


def test_a_target_without_a_log_has_no_line() -> None:
    assert (NoLog().position(), NoLog().lines(0)) == (0, ())
