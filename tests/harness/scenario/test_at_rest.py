"""Rows are read once while nothing happens, and again as soon as something did."""

from __future__ import annotations

from datetime import UTC, datetime

from fake_instances.journal import Journal, SessionHeld
from harness.contract import Row
from harness.history import RowRead, StepReached
from harness.scenario.at_rest import AtRest


def row(url: str) -> Row:
    return Row({"assigned_instance_url": url, "updated_at": datetime.now(UTC)})


def test_a_row_is_read_once_however_many_look_until_something_happens() -> None:
    journal, rows = Journal(), [row("http://localhost:3002"), row("http://localhost:3001"), None]
    at_rest = AtRest(journal)

    def read(_account_id: int) -> Row | None:
        return rows.pop()

    assert at_rest.row(7, read) is None
    journal.record(StepReached(text="Then the row is there"))
    journal.record(RowRead(account_id=7, assigned=None, status="connected"))
    assert at_rest.row(7, read) is None
    journal.record(SessionHeld(instance=3001, session_id="a", status="connected"))
    first = at_rest.row(7, read)
    assert first is not None
    assert first.assigned_instance_url == "http://localhost:3001"
    assert at_rest.row(8, read) is not first
    assert at_rest.row(7, read) is first
