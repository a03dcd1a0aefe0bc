"""Every judgement over made-up rows and log lines: it passes when it should, and fails with the words it should."""

from __future__ import annotations

import pytest

from harness.checks import sending
from tests.harness.support import SESSION, failure, line, row

OTHER = "webjs_2_1_other"


# Rows


@pytest.mark.parametrize("stored", ["http://one", "http://one/"])
def test_a_row_that_is_assigned_there_passes(stored: str) -> None:
    sending.row_says(row(assigned_instance_url=stored), "http://one", "instance 3001")


def test_a_row_assigned_to_none_passes_where_none_is_due() -> None:
    sending.row_says(row(assigned_instance_url=None), None, "no instance")


@pytest.mark.parametrize("stored", ["http://two", "http://one//", "http://one:80", None])
def test_a_row_that_is_assigned_elsewhere_fails(stored: str | None) -> None:
    assert failure(
        lambda: sending.row_says(row(assigned_instance_url=stored), "http://one", "instance 3001")
    ) == (
        "the row is assigned to instance 3001 (http://one)",
        f"its assigned_instance_url is {stored or 'null'}",
    )


def test_an_untouched_row_passes() -> None:
    sending.row_untouched(row(), row(), "the row")


def test_a_touched_row_fails_by_each_column_that_differs() -> None:
    touched = row(assigned_instance_url=None, updated_at="2026-01-01")

    assert failure(lambda: sending.row_untouched(row(), touched, "the row of account 7")) == (
        "the row of account 7 is not written",
        (
            'assigned_instance_url was "http://one" and is now null, '
            'updated_at was "2020-01-01" and is now "2026-01-01"'
        ),
    )


def test_a_column_that_has_the_value_passes() -> None:
    sending.column_is(row(), "status", "connected")
    sending.column_is(row(phone_number=628), "phone_number", "628")


def test_a_column_that_has_another_value_fails() -> None:
    assert failure(lambda: sending.column_is(row(phone_number=None), "phone_number", "628")) == (
        'the row\'s phone_number is "628"',
        "its phone_number is null",
    )


def test_a_row_that_is_gone_fails_everywhere() -> None:
    assert failure(lambda: sending.row_says(None, "u", "instance 3001"))[1] == "the row is gone"
    assert failure(lambda: sending.row_untouched(row(), None, "the row"))[1] == "the row is gone"
    assert failure(lambda: sending.column_is(None, "status", "x"))[1] == "the row is gone"


# Log lines


def test_a_line_with_the_text_and_the_fields_passes() -> None:
    lines = [line("INFO other"), line("🔄 Synced: ok", session_id=SESSION, new_url="http://two/", more=1)]

    sending.logged(lines, "Synced", {"session_id": SESSION, "new_url": "http://two"})
    assert sending.matching(lines, "Synced", {}) == [lines[1]]


@pytest.mark.parametrize(
    ("lines", "observed"),
    [
        ([], "it has no line at all from this scenario"),
        ([line("something else")], "it has no such line, but something else"),
        ([line("other"), line("Synced", session_id="x")], 'it has 1, the last with session_id "x": Synced'),
        ([line("Synced")], "it has 1, the last with no session_id: Synced"),
        ([line(str(number)) for number in range(7)], "it has no such line, but 2; 3; 4; 5; 6"),
    ],
)
def test_no_such_line_fails_with_the_nearest_ones(lines: list[object], observed: str) -> None:
    assert failure(lambda: sending.logged(lines, "Synced", {"session_id": SESSION})) == (  # type: ignore[arg-type]
        f'the log has a line "Synced" with session_id "{SESSION}"',
        observed,
    )


def test_a_line_that_must_not_be_there_fails() -> None:
    lines = [line("Synced of others", session_id=OTHER), line("Synced it", session_id=SESSION)]

    sending.not_logged(lines[:1], "Synced", {"session_id": SESSION})
    assert failure(lambda: sending.not_logged(lines, "Synced", {"session_id": SESSION})) == (
        'the log has no line "Synced"',
        "it has Synced it",
    )


def test_all_rows_that_were_written_are_named() -> None:
    touched = row(updated_at="2026-01-01")
    sending.rows_untouched([(1, row(), row()), (2, row(), row())])
    assert failure(
        lambda: sending.rows_untouched([(1, row(), touched), (2, row(), row()), (3, row(), None)])
    ) == (
        "none of 3 rows is written",
        '2 are; of account 1: updated_at was "2020-01-01" and is now "2026-01-01"; of account 3: the row is gone',
    )
