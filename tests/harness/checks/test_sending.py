"""Corners of the checks of sends, rows and logs: the words of their failures, and what they must let pass."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Endpoint
from fake_instances.journal import FaultExecuted
from harness.checks import sending
from harness.contract import Settings
from harness.errors import ConformanceFailure, TimeBoundFailure
from harness.history import HARNESS
from harness.wording import quoted
from tests.harness.support import (
    SESSION,
    answered,
    asked,
    delivered,
    ended,
    failure,
    history,
    line,
    posted,
    row,
    user_answered,
    user_sends,
)

if TYPE_CHECKING:
    from fake_instances.journal import Entry
    from harness.contract import LogLine

NUMBERS = {"http://one": 3001, "http://two": 3002}
OTHER = "webjs_2_1_other"
NOT_DELIVERED = "no instance delivered it; "
POSTED = "instance 3001 was posted the message and "


@pytest.mark.parametrize(
    ("entries", "observed"),
    [
        ([], NOT_DELIVERED + "no message of its session was posted to any instance"),
        ([posted(3001, 1), answered(3001, 1, 404)], NOT_DELIVERED + POSTED + "answered 404"),
        ([posted(3001, 1)], NOT_DELIVERED + POSTED + "did not answer"),
        ([delivered(3002), delivered(3003)], "it was delivered 2 times, by instance 3002, instance 3003"),
        (
            [posted(3001, 1), delivered(3001, "hell"), answered(3001, 1)],
            NOT_DELIVERED + POSTED + 'answered 200; delivered instead: "hell"',
        ),
    ],
)
def test_a_failed_delivery_says_what_happened_instead(entries: list[Entry], observed: str) -> None:
    others = delivered(3002, session_id=OTHER)
    assert failure(lambda: sending.delivered_once(history(others, *entries), SESSION, "hello", 3002)) == (
        'instance 3002 delivers "hello" exactly once',
        observed,
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"code":"session_not_found"}', True),
        ('{"error":"Session not found in any Node.js instance"}', True),
        ("", False),
        ('{"error":"Account not found"}', False),
    ],
)
def test_the_sentence_or_the_code_says_not_found(body: str, *, says: bool) -> None:
    with contextlib.nullcontext() if says else pytest.raises(ConformanceFailure):
        sending.says_not_found_anywhere(user_answered(404, body, told_sent=False))


@pytest.mark.parametrize(
    "entries",
    [
        [user_sends(), asked(3001, 1, endpoint=Endpoint.SESSION_LIST), posted(3002, 2)],
        # A parallel scan may post before the assigned instance has answered.
        [user_sends(), asked(3001, 1), asked(3002, 1), answered(3002, 1), posted(3002, 2)],
        [user_sends(assigned="http://one/"), asked(3001, 1), answered(3001, 1), posted(3001, 2)],
        # A row that named nobody leaves nobody to ask.
        [user_sends(assigned=None), posted(3002, 1), user_sends(call=2), asked(3001, 2), posted(3001, 3)],
        [user_sends(assigned="http://elsewhere"), posted(3002, 1)],
    ],
)
def test_a_post_after_a_question_passes(entries: list[Entry]) -> None:
    sending.verified_before_each_post(history(*entries), SESSION, NUMBERS)


@pytest.mark.parametrize(
    "entries",
    [
        [user_sends(), posted(3002, 1), asked(3001, 1)],
        [user_sends(), asked(3002, 1), posted(3002, 2)],
        [user_sends(), asked(3001, 1, headers=(("User-Agent", HARNESS),)), posted(3002, 1)],
        [
            user_sends(),
            asked(3001, 1, endpoint=Endpoint.SESSION_STATUS, session_id=OTHER),
            posted(3002, 1),
        ],
        [user_sends(), asked(3001, 1, endpoint=Endpoint.HEALTH), posted(3002, 1)],
        [user_sends(), asked(3001, 1), posted(3001, 2), user_sends(call=2), posted(3001, 3)],
    ],
    ids=[
        "asked later",
        "another asked",
        "the harness asked",
        "another session",
        "plain health",
        "earlier send",
    ],
)
def test_a_post_that_was_not_verified_fails(entries: list[Entry]) -> None:
    expected, _ = failure(lambda: sending.verified_before_each_post(history(*entries), SESSION, NUMBERS))
    assert expected == "instance 3001 is asked whether it holds the session before a message is posted"


HUNG = FaultExecuted(instance=3001, fault=1, words="never answers", request=1)
ASKED = asked(3001, 1, at=100.0)


@pytest.mark.parametrize(
    ("entries", "observed"),
    [
        ([ASKED, HUNG, ended(3001, 1, at=100.8)], None),
        ([ASKED, HUNG, ended(3001, 1, at=101.6)], "it was given up after 1.60 s"),
        ([ASKED, HUNG], "it was never given up"),
        ([ASKED, HUNG, ended(3001, 1, "closed", at=100.5)], "it was never given up"),
        ([asked(3001, 2, at=100.0), HUNG, ended(3001, 2, "answered", at=109.0)], None),
        ([asked(3001, 1, at=109.5), HUNG], None),
        ([user_sends(), ASKED, HUNG, replace(user_answered(), at=100.9)], None),
    ],
    ids=["in time", "late", "never", "closed by the instance", "answered", "young", "the user was answered"],
)
def test_a_hanging_verification_is_given_up_in_time(entries: list[Entry], observed: str | None) -> None:
    late = pytest.raises(TimeBoundFailure, match=observed)
    with contextlib.nullcontext() if observed is None else late:
        sending.given_up_in_time(history(*entries), SESSION, 3001, Settings(verify_timeout=0.8), 110.0)


def test_a_stored_url_may_have_one_slash_more() -> None:
    sending.row_says(row(assigned_instance_url="http://one/"), "http://one", "instance 3001")
    for stored in ("http://one//", "http://one:80", None):
        wrong = row(assigned_instance_url=stored)
        assert failure(lambda: sending.row_says(wrong, "http://one", "instance 3001"))[1] == (  # noqa: B023
            f"its assigned_instance_url is {stored or 'null'}"
        )


def test_all_rows_that_were_written_are_named() -> None:
    rows = [(1, row(), row(updated_at="2026-01-01")), (2, row(), row()), (3, row(), None)]
    assert failure(lambda: sending.rows_untouched(rows)) == (
        "none of 3 rows is written",
        '2 are; of account 1: updated_at was "2020-01-01" and is now "2026-01-01"; of account 3: the row is gone',
    )


@pytest.mark.parametrize(
    ("lines", "observed"),
    [
        ([], "it has no line at all from this scenario"),
        ([line("other"), line("Synced", session_id="x")], 'it has 1, the last with session_id "x": Synced'),
        ([line("Synced")], "it has 1, the last with no session_id: Synced"),
        ([line(str(number)) for number in range(7)], "it has no such line, but 2; 3; 4; 5; 6"),
    ],
)
def test_a_missing_line_is_told_with_the_nearest_ones(lines: list[LogLine], observed: str) -> None:
    sending.logged([line("🔄 Synced", new_url="http://two/", more=1)], "Synced", {"new_url": "http://two"})
    wanted = {"session_id": SESSION}
    assert failure(lambda: sending.logged(lines, "Synced", wanted))[1] == observed


def test_a_long_text_is_quoted_short() -> None:
    assert quoted("x" * 80) == '"' + "x" * 80 + '"'
    assert quoted("x" * 81) == '"' + "x" * 60 + '…" (81 characters)'


@pytest.mark.parametrize(
    ("entries", "observed"),
    [
        ([ASKED, ended(3001, 1, "answered", at=102.2)], None),
        (
            [ASKED, ended(3001, 1, at=101.0), asked(3001, 2, at=101.0), ended(3001, 2, "answered", at=103.0)],
            None,
        ),
        ([ASKED, ended(3001, 1, at=101.0)], "its caller left after 1.00 s"),
        ([asked(3002, 1), ended(3002, 1, "answered")], "it was not asked"),
    ],
    ids=["answered", "answered at the second question", "left", "another asked"],
)
def test_an_answer_is_waited_for_by_a_caller_who_is_there(entries: list[Entry], observed: str | None) -> None:
    left = pytest.raises(TimeBoundFailure, match=observed)
    with contextlib.nullcontext() if observed is None else left:
        sending.waited_for(history(*entries), SESSION, 3001)


def test_the_same_words_may_go_to_everybody_whom_a_user_named() -> None:
    sends = [user_sends("yes"), replace(user_sends("yes", call=2), recipient="628222")]
    to_one = delivered(3001, "yes")
    to_other, to_nobody = (replace(to_one, recipient=one) for one in ("628222", "628333"))
    sending.each_to_its_own(history(*sends, to_one, to_other, delivered(3001, "of another scenario")))
    expected, observed = failure(lambda: sending.each_to_its_own(history(*sends, to_nobody)))
    assert expected == f'"yes" goes to 628111 over session {SESSION} or 628222 over session {SESSION}'
    assert observed == f"instance 3001 sent it to 628333 over session {SESSION}"
