"""The journal: one order, waiting with a deadline, observers, and a loud end of its room."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fake_instances.errors import JournalOverflowError
from fake_instances.faults import Endpoint
from fake_instances.journal import Entry, InstanceEntry, Journal, RequestArrived, SessionHeld, SessionReleased
from tests.fake_instances.support import PATIENCE, SESSION_ID, observe

if TYPE_CHECKING:
    from fake_instances import Fleet


@pytest.fixture
def journal() -> Journal:
    return Journal()


def held(session_id: str = "s") -> SessionHeld:
    return SessionHeld(instance=3001, session_id=session_id, status="connected")


def released(session_id: str = "s") -> SessionReleased:
    return SessionReleased(instance=3001, session_id=session_id)


# Order


def test_entries_are_kept_and_returned_in_one_order(journal: Journal) -> None:
    assert journal.last == 0
    given = [held("a"), released("a"), held("b")]
    written = [journal.record(entry) for entry in given]
    assert list(journal.entries()) == written == given
    assert ([entry.sequence for entry in written], journal.last) == ([1, 2, 3], 3)
    for after in range(5):
        assert journal.entries(after=after) == tuple(written[after:])


def test_many_threads_write_without_a_gap_and_without_going_back_in_time(journal: Journal) -> None:
    seen: list[int] = []

    def dawdle(entry: Entry) -> None:
        if entry.sequence % 100 == 0:
            threading.Event().wait(0.001)
        seen.append(entry.sequence)

    observe(journal, dawdle)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda index: journal.record(held(str(index))), range(800)))
    kept = [entry for entry in journal.entries() if isinstance(entry, SessionHeld)]
    assert seen == [entry.sequence for entry in kept] == list(range(1, 801))
    assert {entry.session_id for entry in kept} == {str(index) for index in range(800)}
    times = [entry.at for entry in kept]
    assert times == sorted(times)
    assert times[0] > 1_700_000_000


def test_entries_of_all_instances_are_in_the_order_of_what_happened(fleet: Fleet) -> None:
    fleet.move(SESSION_ID, 3002)
    told = [
        (type(entry).__name__, entry.instance)
        for entry in fleet.journal.entries()
        if isinstance(entry, InstanceEntry)
    ]
    assert set(told[:2]) == {("InstanceStarted", 3001), ("InstanceStarted", 3002)}  # they start together
    assert told[2:] == [("SessionHeld", 3001), ("SessionReleased", 3001), ("SessionHeld", 3002)]


# Waiting


def test_waiting_finds_what_is_there_and_what_comes(journal: Journal) -> None:
    journal.record(held("a"))
    wanted = journal.record(held("b"))
    assert journal.wait_for(SessionHeld, timeout=0, session_id="b") is wanted
    assert journal.wait_for(Entry, timeout=0, after=1) is wanted
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(journal.wait_for, SessionHeld, timeout=PATIENCE, session_id="mine")
        for entry in (held("other"), released("mine"), held("mine")):
            journal.record(entry)
        assert waiting.result(PATIENCE).sequence == 5


@pytest.mark.parametrize("timeout", [0, 0.02])
def test_waiting_in_vain_says_for_what(journal: Journal, timeout: float) -> None:
    journal.record(held("a"))
    sentence = rf"^no SessionHeld\(session_id='b', instance=3001\) in the journal within {timeout:g} s$"
    with pytest.raises(TimeoutError, match=sentence):
        journal.wait_for(SessionHeld, timeout=timeout, session_id="b", instance=3001)
    with pytest.raises(TimeoutError):
        journal.wait_for(SessionHeld, timeout=timeout, after=journal.last)
    assert journal.wait_until(lambda: False, timeout=timeout) is False
    assert journal.wait_until(lambda: True, timeout=timeout) is True


def test_what_was_written_in_time_is_found_however_late_its_reader_wakes(journal: Journal) -> None:
    written, overdue = threading.Event(), threading.Event()

    def hold_up(_: Entry) -> None:
        written.set()
        overdue.wait(PATIENCE)

    observe(journal, hold_up)
    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(journal.wait_for, SessionHeld, timeout=0.1)
        writing = threads.submit(journal.record, held())
        assert written.wait(PATIENCE)
        overdue.wait(0.15)
        overdue.set()
        assert reading.result(PATIENCE) is writing.result(PATIENCE)


def test_everybody_who_waits_is_woken_by_every_entry(journal: Journal) -> None:
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(journal.wait_for, SessionReleased, timeout=PATIENCE) for _ in range(2)]
        until = threads.submit(journal.wait_until, lambda: journal.last >= 2, timeout=PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while len(journal._changed._waiters) < 3 and time.monotonic() < deadline:  # type: ignore[attr-defined]
            threading.Event().wait(0.001)
        journal.record(held())
        journal.record(released())
        assert [one.result(PATIENCE / 2).sequence for one in waiting] == [2, 2]
        assert until.result(PATIENCE / 2)


# Room


@pytest.mark.parametrize("limit", [1, 2, 25])
def test_a_full_journal_goes_on_writing_and_every_reading_fails_until_it_forgets(limit: int) -> None:
    journal = Journal(limit=limit)
    for _ in range(limit):
        journal.record(held())
    assert len(journal.entries()) == limit
    for _ in range(500):
        journal.record(held())
    sentence = rf"^the journal holds {limit} entries at most and dropped \d+; give it a larger limit$"
    for read in (
        journal.entries,
        lambda: journal.entries(after=limit),
        lambda: journal.wait_for(SessionHeld, timeout=0, after=limit),
    ):
        with pytest.raises(JournalOverflowError, match=sentence):
            read()
    assert (journal.last, len(journal._entries) <= limit) == (limit + 500, True)
    journal.forget()
    assert (journal.entries(), journal.last) == ((), limit + 500)
    new = journal.record(held("new"))
    assert journal.entries() == journal.entries(after=journal.last - 1) == (new,)


# As plain values


def test_an_entry_is_json_with_its_kind_first_and_its_bytes_as_text(journal: Journal) -> None:
    entry = RequestArrived(
        instance=3001,
        request=1,
        endpoint=Endpoint.SEND,
        method="POST",
        target="/",
        session_id=None,
        headers=(("Host", "gateway"),),
        body="é\udcff".encode(errors="surrogateescape"),
    )
    shown = json.loads(json.dumps(journal.record(entry).to_json()))
    assert next(iter(shown)) == "kind"
    assert (shown.pop("kind"), shown.pop("sequence"), shown.pop("at") > 0) == ("RequestArrived", 1, True)
    assert shown == {
        "instance": 3001,
        "request": 1,
        "endpoint": "send",
        "method": "POST",
        "target": "/",
        "session_id": None,
        "headers": [["Host", "gateway"]],
        "body": "é�",
    }
