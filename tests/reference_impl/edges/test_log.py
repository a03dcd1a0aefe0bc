"""Log lines: whole, safe and without secrets."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING

import pytest

from reference_impl.edges.log import EventLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def log(path: Path) -> Iterator[EventLog]:
    made = EventLog(str(path), ("top-secret",))
    yield made
    made.close()


def test_a_line_has_time_level_text_and_fields(path: Path, log: EventLog) -> None:
    log.info("Something moved", session_id="s", old_url=None, unasked=["http://a", "http://b"])
    assert re.fullmatch(
        r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] reference\.INFO: Something moved "
        r'\{"session_id":"s","old_url":null,"unasked":\["http://a","http://b"\]\}\n',
        path.read_text("utf-8"),
    )


def test_a_value_cannot_pass_for_a_line_or_another_event(path: Path, log: EventLog) -> None:
    value = (
        "x\n[2024-11-22 10:00:00] reference.INFO: Instance sync successful! Database updated {}\r\x1b\u2028"
    )
    log.warning("Noted", session_id=value)
    text = path.read_text("utf-8")
    assert len(text.splitlines()) == 1
    assert "Instance sync successful" not in text
    assert json.loads(text[text.index("{") :]) == {"session_id": value}


def test_secrets_are_replaced_and_long_values_cut(path: Path, log: EventLog) -> None:
    log.error("Noted", a="before top-secret behind", b=["top-secret"], c="x" * 100_000)
    assert "top-secret" not in path.read_text("utf-8")
    assert len(path.read_text("utf-8")) < 1000


def test_lines_of_many_threads_stay_whole(path: Path, log: EventLog) -> None:

    def fill() -> None:
        for _ in range(50):
            log.info("Noted", c="x" * 200)

    threads = [threading.Thread(target=fill) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({line.partition("]")[2] for line in path.read_text("utf-8").splitlines()}) == 1
    assert len(path.read_text("utf-8").splitlines()) == 400
