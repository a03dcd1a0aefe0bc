"""A history told as lines, a failure told as text, and secrets that are never in either."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from harness.report.timeline import timeline

from fake_instances.faults import Endpoint
from fake_instances.journal import (
    FaultArmed,
    FaultExecuted,
    InstanceStarted,
    SessionHeld,
    SessionReleased,
    WebhookAnswered,
    WebhookKept,
    WebhookLost,
    WebhookSent,
)
from harness.catalogue.verdict import Outcome
from harness.errors import ConformanceFailure, LaunchError
from harness.history import ImplementationKilled, ImplementationStarted, RowRead, RowSet, StepReached
from harness.redaction import SHOWN_INSTEAD, redact, redact_values
from harness.report import text
from tests.harness.reporting import FOUND, LOGGED, REAL, RETRIED, Made, record
from tests.harness.support import (
    SESSION,
    answered,
    asked,
    catalogue,
    delivered,
    ended,
    history,
    posted,
    user_answered,
    user_sends,
)

if TYPE_CHECKING:
    from fake_instances.journal import Entry

SIGNATURE = "0123456789abcdef" * 4


def webhook(*headers: tuple[str, str]) -> WebhookSent:
    return WebhookSent(
        instance=3002, webhook=1, event="session_ready", session_id=SESSION, headers=headers, body=b"{}"
    )


def held(number: int, on: int = 3001) -> SessionHeld:
    return SessionHeld(instance=on, session_id=f"webjs_{number}", status="connected")


def test_a_crowd_of_sessions_is_one_line() -> None:
    entries = [*(held(number) for number in range(10_000)), held(1, on=3002), held(2, on=3002)]

    assert [line.partition("s  ")[2] for line in timeline(history(*entries), ())] == [
        "instance 3001 takes in 10000 sessions",
        "instance 3002 holds webjs_1, connected",
        "instance 3002 holds webjs_2, connected",
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (StepReached(text="When it rains"), "── When it rains"),
        (RowSet(account_id=142, assigned=None), "row of account 142 is set: assigned to None"),
        (
            RowRead(account_id=142, assigned="http://one", status="connected"),
            "row of account 142 says: connected, assigned to http://one",
        ),
        (user_sends(), 'user → implementation: send "hello" from account 142'),
        (user_answered(200, " ok\n"), "implementation → user: 200 ok"),
        (
            user_answered(None, told_sent=False, seconds=3, problem="it was killed"),
            "implementation → user: no answer after 3.00 s (it was killed)",
        ),
        (delivered(3002), 'instance 3002 delivers "hello" to 628111'),
        (asked(3001, 1), "caller → instance 3001: GET /health/detailed → no answer yet"),
        (
            webhook(("X-Instance-Url", "http://two")),
            "instance 3002 → implementation: webhook session_ready, X-Instance-Url http://two",
        ),
        (
            webhook(("X-Instance-Url", "http://two"), ("X-Instance-Url", "http://one")),
            "instance 3002 → implementation: webhook session_ready, X-Instance-Url http://two and http://one",
        ),
        (webhook(), "instance 3002 → implementation: webhook session_ready, no X-Instance-Url"),
        (WebhookAnswered(instance=3002, webhook=1, status=401), "implementation → instance 3002: 401"),
        (
            WebhookAnswered(instance=3002, webhook=1, status=None, reason="timeout"),
            "implementation → instance 3002: timeout",
        ),
        (
            WebhookLost(instance=3002, event="session_ready", session_id=SESSION, reason="ordered"),
            "instance 3002: webhook session_ready is lost",
        ),
        (
            WebhookKept(instance=3002, webhook=1, event="session_ready", session_id=SESSION),
            "instance 3002: webhook session_ready is kept back",
        ),
        (
            SessionHeld(instance=3002, session_id="s", status="connected"),
            "instance 3002 holds s, connected",
        ),
        (SessionReleased(instance=3002, session_id="s"), "instance 3002 lets s go"),
        (
            FaultArmed(instance=3001, fault=1, words="answers 500", endpoints=(Endpoint.SEND,)),
            "instance 3001 is told: it answers 500 (send)",
        ),
        (
            FaultExecuted(instance=3001, fault=1, words="answers 500", request=1),
            "instance 3001 answers 500",
        ),
        (ImplementationKilled(), "the implementation is killed"),
        (ImplementationStarted(base_url="http://x"), "the implementation is up at http://x"),
    ],
)
def test_each_kind_of_entry_is_told_in_words(entry: Entry, words: str) -> None:
    assert timeline(history(entry), ()) == [f"  0.000 s  {words}"]


def test_seconds_count_from_the_first_entry_and_technical_entries_are_left_out() -> None:
    told = history(
        StepReached(text="a"), InstanceStarted(instance=3001, url="http://one"), StepReached(text="b")
    )

    assert timeline(told, ()) == ["  0.000 s  ── a", "  0.200 s  ── b"]


def test_a_request_is_told_with_its_end() -> None:
    told = history(asked(3001, 1), answered(3001, 1, 404), posted(3002, 1), ended(3002, 1))

    assert timeline(told, ()) == [
        "  0.000 s  caller → instance 3001: GET /health/detailed → 404 after 100 ms",
        "  0.200 s  caller → instance 3002: POST /api/messages/send → no answer; caller left after 0.10 s",
    ]


def test_an_empty_history_is_told_too() -> None:
    assert timeline(history(), ()) == ("nothing happened",)


def test_no_line_has_a_secret_or_a_signature_in_it() -> None:
    told = history(
        StepReached(text="key-1 and key-1"),
        user_answered(500, f"leaks {SIGNATURE.upper()} and secret-2"),
        user_sends(f"X-HMAC-Signature: {SIGNATURE}"),
    )

    lines = "\n".join(timeline(told, ("key-1", "secret-2")))

    assert lines.count("[secret]") == 5
    assert not any(word in lines.lower() for word in ("key-1", "secret-2", SIGNATURE))


def test_a_text_that_is_cut_short_shows_no_piece_of_a_secret() -> None:
    told = history(
        user_sends("x" * 55 + "the-key" + "x" * 55),
        delivered(3002, "x" * 55 + "the-key" + "x" * 55),
        user_answered(200, "x" * 295 + "the-key"),
    )

    assert not any("the-" in line for line in timeline(told, ["the-key"]))


def test_a_secret_is_not_shown_encoded_either() -> None:
    key = "0123456789abcdef0123456789abcdef"
    for before in ("", "a", "ab", "abc"):
        for encoded in (
            base64.b64encode(f"{before}{key}xyz".encode()).decode(),
            base64.urlsafe_b64encode(f"{before}{key}".encode()).decode(),
            f"{before}{key}".encode().hex(),
        ):
            shown = redact(f"<{encoded}>", [key])
            assert SHOWN_INSTEAD in shown
            assert len(shown) <= len("<[secret]>") + 2 * len(f"{before}xyz") + 4, shown


def test_values_are_redacted_wherever_they_stand() -> None:
    values = {"the-key-1": ["a the-key-1", {"b": ("the-key-1", 1, None, True)}]}

    assert redact_values(values, ["the-key-1"]) == {
        "[secret]": ["a [secret]", {"b": ["[secret]", 1, None, True]}]
    }


def test_half_a_character_is_replaced() -> None:
    assert redact("a\ud800b", ()) == "a\ufffdb"


def test_only_what_is_secret_is_redacted() -> None:
    assert redact(SIGNATURE, ()) == "[secret]"
    assert redact(f"id={SIGNATURE[:-1]}", ("nowhere",)) == f"id={SIGNATURE[:-1]}"
    assert redact(f"{SIGNATURE}0", ()) == f"{SIGNATURE}0"


SMALL = catalogue(SCAN_01="must", SCAN_02="must", SCAN_07="should")


def told(problem: Exception, secrets: tuple[str, ...] = ()) -> list[str]:
    return text.failure(
        SMALL,
        ["SCAN-01"],
        scenario="It is found (features/core/scan.feature:7)",
        step='Then instance 3002 delivers "hello" once',
        problem=problem,
        timeline=["  0.000 s  ── a"],
        secrets=secrets,
    ).splitlines()


def test_a_failure_names_requirement_scenario_step_expected_observed_and_timeline() -> None:
    assert told(ConformanceFailure("one delivery", "none\nat all")) == [
        "SCAN-01 (must, core): SCAN_01 holds.",
        "  scenario  It is found (features/core/scan.feature:7)",
        '  step      Then instance 3002 delivers "hello" once',
        "  expected  one delivery",
        "  observed  none",
        "            at all",
        "  timeline",
        "      0.000 s  ── a",
    ]


def test_any_other_problem_is_told_by_its_kind_and_without_secrets() -> None:
    lines = told(LaunchError("it said key-1"), ("key-1",))

    assert lines[3:5] == ["  problem   LaunchError: it said [secret]", "  timeline"]


def test_a_summary_tells_the_verdict_and_each_reason_once() -> None:
    came = [
        (FOUND, Outcome.FAILED, "expected x\nmore"),
        (LOGGED, Outcome.NOT_JUDGED, "not up\n  its last output"),
        (RETRIED, Outcome.NOT_JUDGED, "not up\n  its last output"),
    ]
    records = [record(one, outcome, reason=reason) for one, outcome, reason in came]
    records[0] = replace(records[0], judged_again=True)

    assert text.summary(Made((*records, record(REAL)), 1).report()) == [
        "implementation  made-up 1, which claims core",
        "core            MUST 1 failed, 1 not judged; SHOULD 1 not judged",
        "not claimed     security, resilience, health-check, monitoring, instance",
        "failed          SCAN-01: expected x",
        "not judged      SCAN-02, SCAN-07 (should): not up",
        "                    its last output",
        "judged again    core/scan.feature::It is found (a time bound was missed at first)",
        "scenarios       4 run, 1 passed",
        "requirements    1 of 4 judged here, 1 of profiles not claimed",
        "verdict         non-conformant: failed: SCAN-01",
    ]


def test_of_what_the_user_left_out_a_few_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_MOST_LEFT_OUT", 1)

    told = text.summary(Made((record(REAL),), 1).report())

    assert "not judged      SCAN-01 and 2 more: its scenario was left out by the selection" in told


def test_what_no_scenario_carries_is_named() -> None:
    written = (FOUND, RETRIED)

    assert text.unwritten(Made((), 2, suite=written).report()) == ["not yet written (2)  SCAN-02, AUTH-05"]
    assert text.unwritten(Made((), 2).report()) == []
