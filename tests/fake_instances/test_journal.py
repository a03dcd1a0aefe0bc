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
from tests.fake_instances.support import PATIENCE

if TYPE_CHECKING:
    from fake_instances import Fleet


@pytest.fixture
def journal() -> Journal:
    return Journal()


def held(session_id: str = "s", instance: int = 3001) -> SessionHeld:
    return SessionHeld(instance=instance, session_id=session_id, status="connected")


def released(session_id: str = "s") -> SessionReleased:
    return SessionReleased(instance=3001, session_id=session_id)


# Order


def test_entries_are_kept_in_one_order(journal: Journal) -> None:
    assert journal.last == 0
    written = [journal.record(entry) for entry in (held("a"), released("a"), held("b"))]
    assert [entry.sequence for entry in written] == [1, 2, 3]
    assert list(journal.entries()) == written
    assert journal.last == 3
    times = [entry.at for entry in written]
    assert times == sorted(times)


def test_what_is_recorded_is_given_back_in_its_place(journal: Journal) -> None:
    entry = held("a")
    placed = journal.record(entry)
    assert (placed.session_id, placed.sequence, entry.sequence) == ("a", 1, 0)
    assert placed.at > 1_700_000_000


@pytest.mark.parametrize("after", range(5))
def test_entries_after_another_are_given(journal: Journal, after: int) -> None:
    for _ in range(3):
        journal.record(held())
    assert [entry.sequence for entry in journal.entries(after=after)] == list(range(after + 1, 4))


def test_many_threads_write_without_a_gap_and_without_going_back_in_time(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda index: journal.record(held(str(index))), range(800)))
    kept = [entry for entry in journal.entries() if isinstance(entry, SessionHeld)]
    assert [entry.sequence for entry in kept] == list(range(1, 801))
    assert {entry.session_id for entry in kept} == {str(index) for index in range(800)}
    assert [entry.at for entry in kept] == sorted(entry.at for entry in kept)


def test_entries_of_all_instances_are_in_the_order_of_what_happened(fleet: Fleet) -> None:
    fleet.move("webjs_1_1763798326_U9tUyl0b", 3002)
    told = [
        (type(entry).__name__, entry.instance)
        for entry in fleet.journal.entries()
        if isinstance(entry, InstanceEntry)
    ]
    assert set(told[:2]) == {("InstanceStarted", 3001), ("InstanceStarted", 3002)}  # they start together
    assert told[2:] == [
        ("SessionHeld", 3001),
        ("SessionReleased", 3001),
        ("SessionHeld", 3002),
    ]


# Waiting


def test_waiting_finds_what_is_there_at_once(journal: Journal) -> None:
    journal.record(held("a"))
    wanted = journal.record(held("b"))
    assert journal.wait_for(SessionHeld, timeout=0, session_id="b") is wanted
    assert journal.wait_for(Entry, timeout=0, after=1) is wanted


def test_waiting_finds_what_comes(journal: Journal) -> None:
    looking = threading.Event()

    def write() -> None:
        looking.wait(PATIENCE)
        for entry in (held("other"), released("mine"), held("mine")):
            journal.record(entry)

    writer = threading.Thread(target=write)
    writer.start()
    looking.set()
    found = journal.wait_for(SessionHeld, timeout=PATIENCE, session_id="mine", instance=3001)
    writer.join()
    assert (found.session_id, found.sequence) == ("mine", 3)


@pytest.mark.parametrize("timeout", [0, 0.02])
def test_waiting_in_vain_says_for_what(journal: Journal, timeout: float) -> None:
    journal.record(held("a"))
    sentence = rf"^no SessionHeld\(session_id='b', instance=3001\) in the journal within {timeout:g} s$"
    with pytest.raises(TimeoutError, match=sentence):
        journal.wait_for(SessionHeld, timeout=timeout, session_id="b", instance=3001)


def test_what_came_before_is_not_waited_for(journal: Journal) -> None:
    journal.record(held())
    with pytest.raises(TimeoutError):
        journal.wait_for(SessionHeld, timeout=0.01, after=journal.last)


def test_what_was_written_in_time_is_found_however_late_its_reader_wakes(journal: Journal) -> None:
    written, overdue = threading.Event(), threading.Event()

    def hold_up(_: Entry) -> None:
        written.set()
        overdue.wait(PATIENCE)

    journal.observe(hold_up)
    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(journal.wait_for, SessionHeld, timeout=0.1)
        writing = threads.submit(journal.record, held())
        assert written.wait(PATIENCE)
        overdue.wait(0.15)
        overdue.set()
        assert reading.result(PATIENCE) is writing.result(PATIENCE)


def test_a_condition_is_looked_at_again_after_every_entry(journal: Journal) -> None:
    looked: list[int] = []

    def three_written() -> bool:
        looked.append(journal.last)
        return journal.last >= 3

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(journal.wait_until, three_written, timeout=PATIENCE)
        for _ in range(3):
            journal.record(held())
        assert waiting.result(PATIENCE) is True
    assert looked[-1] == 3


def test_everybody_who_waits_is_woken(journal: Journal) -> None:
    with ThreadPoolExecutor(3) as threads:
        waiting = [
            threads.submit(journal.wait_for, kind, timeout=PATIENCE) for kind in (SessionReleased,) * 3
        ]
        deadline = time.monotonic() + PATIENCE
        while len(journal._changed._waiters) < 3 and time.monotonic() < deadline:  # type: ignore[attr-defined]
            threading.Event().wait(0.001)
        journal.record(released())
        assert [one.result(PATIENCE / 2).sequence for one in waiting] == [1, 1, 1]


@pytest.mark.parametrize("timeout", [0, 0.02])
def test_a_condition_that_never_holds_is_told(journal: Journal, timeout: float) -> None:
    assert journal.wait_until(lambda: False, timeout=timeout) is False
    assert journal.wait_until(lambda: True, timeout=timeout) is True


# Observers


def test_an_observer_is_given_every_later_entry_in_order(journal: Journal) -> None:
    seen: list[Entry] = []
    journal.record(held("before"))
    journal.observe(seen.append)
    later = [journal.record(entry) for entry in (held("a"), released("a"))]
    journal.forget_observer(seen.append)
    journal.record(held("after"))
    assert seen == later


def test_an_observer_has_seen_an_entry_before_it_can_be_read(journal: Journal) -> None:
    seen: list[int] = []
    journal.observe(lambda entry: seen.append(entry.sequence))
    for _ in range(3):
        placed = journal.record(held())
        assert seen[-1] == placed.sequence


def test_an_observer_may_read_and_write(journal: Journal) -> None:
    def answer(entry: Entry) -> None:
        if isinstance(entry, SessionHeld):
            assert journal.entries()[-1] is entry
            journal.record(released(entry.session_id))

    journal.observe(answer)
    journal.record(held("a"))
    assert [type(entry) for entry in journal.entries()] == [SessionHeld, SessionReleased]


def test_an_observer_that_takes_its_time_is_not_overtaken(journal: Journal) -> None:
    seen: list[int] = []

    def dawdle(entry: Entry) -> None:
        if entry.sequence % 10 == 0:
            threading.Event().wait(0.001)
        seen.append(entry.sequence)

    journal.observe(dawdle)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda index: journal.record(held(str(index))), range(200)))
    assert seen == list(range(1, 201))


def test_only_an_observer_can_be_forgotten(journal: Journal) -> None:
    with pytest.raises(ValueError, match="not in list"):
        journal.forget_observer(print)


# Room


@pytest.mark.parametrize("limit", [1, 2, 10, 25])
def test_a_full_journal_is_not_yet_an_error(limit: int) -> None:
    journal = Journal(limit=limit)
    for _ in range(limit):
        journal.record(held())
    assert len(journal.entries()) == limit


@pytest.mark.parametrize("limit", [1, 2, 10, 25])
def test_after_an_overflow_every_reading_fails(limit: int) -> None:
    journal = Journal(limit=limit)
    for _ in range(limit + 1):
        journal.record(held())
    sentence = rf"^the journal holds {limit} entries at most and dropped \d+; give it a larger limit$"
    for read in (
        journal.entries,
        lambda: journal.entries(after=limit),
        lambda: journal.wait_for(SessionHeld, timeout=0, after=limit),
    ):
        with pytest.raises(JournalOverflowError, match=sentence):
            read()
    assert journal.last == limit + 1


def test_an_overflow_wakes_who_waits(journal: Journal) -> None:
    journal.limit = 5
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(journal.wait_for, SessionReleased, timeout=PATIENCE)
        for _ in range(6):
            journal.record(held())
        with pytest.raises(JournalOverflowError):
            waiting.result(PATIENCE)


def test_a_full_journal_goes_on_writing_and_stays_small() -> None:
    journal = Journal(limit=20)
    for _ in range(500):
        journal.record(held())
    assert journal.last == 500
    assert len(journal._entries) <= 20


def test_forgetting_empties_the_journal_and_counts_on(journal: Journal) -> None:
    journal.record(held("old"))
    journal.forget()
    assert journal.entries() == ()
    assert journal.last == 1
    new = journal.record(held("new"))
    assert new.sequence == 2
    assert journal.entries() == journal.entries(after=1) == (new,)


def test_forgetting_ends_an_overflow() -> None:
    journal = Journal(limit=2)
    for _ in range(3):
        journal.record(held())
    journal.forget()
    assert journal.entries() == ()


# As plain values


def test_an_entry_names_its_kind_first(journal: Journal) -> None:
    shown = journal.record(held("a")).to_json()
    assert next(iter(shown)) == "kind"
    assert {**shown, "at": 0} == {
        "kind": "SessionHeld",
        "sequence": 1,
        "at": 0,
        "instance": 3001,
        "session_id": "a",
        "status": "connected",
    }


def test_an_entry_with_bytes_is_json_all_the_same(journal: Journal) -> None:
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
    assert (shown["endpoint"], shown["body"], shown["headers"]) == ("send", "é�", [["Host", "gateway"]])
