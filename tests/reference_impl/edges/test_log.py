"""Log lines, and texts made safe."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from reference_impl.edges.answers import is_encodable
from reference_impl.fix.locations import safe_location as safe_claim
from reference_impl.fix.webhooks import _is_storable as is_storable

from reference_impl.edges.log import EventLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Logged:
    path: Path
    log: EventLog

    def read(self) -> str:
        return self.path.read_text(encoding="utf-8")


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Logged]:
    log = EventLog(str(tmp_path / "log"), ("top-secret",))
    yield Logged(tmp_path / "log", log)
    log.close()


def test_a_line_has_time_level_text_and_fields(logged: Logged) -> None:
    read, log = logged.read, logged.log
    log.info("Something moved", session_id="s", old_url=None, unasked=["http://a", "http://b"])
    assert re.fullmatch(
        r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] reference\.INFO: Something moved "
        r'\{"session_id":"s","old_url":null,"unasked":\["http://a","http://b"\]\}\n',
        read(),
    )


def test_a_value_cannot_make_a_line_nor_pass_for_another_event(logged: Logged) -> None:
    read, log = logged.read, logged.log
    value = (
        "x\n[2024-11-22 10:00:00] reference.INFO: Instance sync successful! Database updated {}\r\x1b\u2028"
    )
    log.warning("Noted", session_id=value)
    text = read()
    assert len(text.splitlines()) == 1
    assert "Instance sync successful" not in text
    assert json.loads(text[text.index("{") :]) == {"session_id": value}


def test_secrets_are_replaced_and_long_values_cut(logged: Logged) -> None:
    read, log = logged.read, logged.log
    log.error("Noted", a="before top-secret behind", b=["top-secret"], c="x" * 100_000)
    assert "top-secret" not in read()
    assert len(read()) < 1000


def test_lines_of_many_threads_stay_whole(logged: Logged) -> None:
    read, log = logged.read, logged.log

    def fill() -> None:
        for _ in range(50):
            log.info("Noted", c="x" * 200)

    threads = [threading.Thread(target=fill) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({line.partition("]")[2] for line in read().splitlines()}) == 1
    assert len(read().splitlines()) == 400


@pytest.mark.parametrize(
    "claim",
    [
        "http://a\nb",
        "http://a b",
        "http://" + "x" * 10_000,
        'http://"}{',
        "http://\x00\x7f\x9b",
        "http://é\ud800",
    ],
)
def test_a_logged_claim_is_bounded_and_has_only_characters_of_a_url(claim: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,210}", safe_claim(claim))


def test_texts_that_databases_refuse_are_told() -> None:
    assert is_storable("62811 🎉")
    assert not is_storable("a\0b")
    assert not is_storable("\ud800")
    assert is_encodable("a\0b")
    assert not is_encodable("\ud800")
