"""Failed scenarios are grouped by likely cause: symptoms of one mistake together, unrelated mistakes apart."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import log_events
from harness.catalogue.verdict import Outcome
from harness.evidence import Event, Evidence, Step
from harness.report import text
from harness.report.causes import causes_of
from harness.report.causes.abstraction import abstracted, kind_of
from harness.report.causes.counts import off
from harness.report.model import parse_json, render_json
from tests.harness.reporting import CATALOGUE, Made, record, report_of
from tests.harness.support import scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.catalogue.record import Record
    from harness.report.model import CauseReport

ONE, TWO = "http://127.0.0.1:3001", "http://127.0.0.1:3002"
HOLDER = (Event(0, "3002", "", "holds webjs_1_1763798326_abc, connected"),)
ROW = (Event(0, "database", "", f"row 142: {ONE} (set up)"),)
SEND = (Event(0, "user", "implementation", 'send "hello" from account 142'),)
ASKS = tuple(Event(0, "implementation", f"300{one}", "GET /health/detailed") for one in range(1, 5))
POST = (Event(0, "implementation", "3001", "POST /api/messages/send"),)
POST_404 = (*POST, Event(0, "3001", "implementation", "404 to POST /api/messages/send", "bad"))
DELIVERED = (
    Event(0, "implementation", "3002", "POST /api/messages/send"),
    Event(0, "3002", "", 'delivers "hello" to 628555', "good"),
    Event(0, "3002", "implementation", "200 to POST /api/messages/send"),
    Event(0, "implementation", "user", "200, sent: {}", "good"),
)
NOT_SENT = (Event(0, "implementation", "user", "502, not sent: {}", "bad"),)
WEBHOOK = (Event(0, "3002", "implementation", f"webhook session_ready, location {TWO}"),)
FAULT = (Event(0, "3003", "", "goes wrong: it answers 500", "bad"),)
CHECK = (Event(0, "user", "implementation", "POST /api/health-check"),)

DELIVERS = 'instance 3002 delivers "hello" exactly once'
UNDELIVERED = "no instance delivered it"
ROW_MOVES, ROW_KEPT = f"the row is assigned to instance 3002 ({TWO})", f"its assigned_instance_url is {ONE}"
UNASKED = "no instance was asked before whether it holds the session"


def answered(status: int) -> tuple[Event, ...]:
    return (Event(0, "implementation", "3002", f"{status} {{}}"),)


def failed(
    name: str,
    expected: str,
    observed: str,
    *events: Sequence[Event],
    requirement: str = "SCAN-01",
    row: str = "",
) -> Record:
    evidence = Evidence(
        steps=(Step("When it rains", "failed", 0.1),),
        expected=expected,
        observed=observed,
        events=tuple(one for each in events for one in each),
        timeline=("  0.000 s  it rained",),
    )
    return record(scenario(name, requirement), Outcome.FAILED, row=row, evidence=evidence)


def passed(name: str, *steps: str) -> Record:
    done = tuple(Step(one, "passed", 0.1) for one in steps)
    return record(scenario(name, "SCAN-01"), evidence=Evidence(steps=done))


def causes(*records: Record) -> tuple[CauseReport, ...]:
    suite = [scenario(one.name, *one.requirement_ids) for one in records]
    return report_of(CATALOGUE, suite, records, [one.node for one in records]).causes


WORDS: dict[str, tuple[Record, str]] = {
    "no question before the post": (
        failed("a", DELIVERS, UNDELIVERED, ROW, SEND, POST_404, NOT_SENT),
        UNASKED,
    ),
    "some instances unasked": (
        failed("a", DELIVERS, UNDELIVERED, SEND, ASKS[:1], NOT_SENT),
        "A send was given up before every instance was asked",
    ),
    "all asked, nobody recognised": (
        failed("a", DELIVERS, UNDELIVERED, SEND, ASKS, NOT_SENT),
        "A message was not posted, though every instance was asked",
    ),
    "the same with a fault": (
        failed("a", DELIVERS, UNDELIVERED, FAULT, SEND, ASKS, NOT_SENT),
        "While an instance went wrong, a message was not posted",
    ),
    "nobody asked at all": (
        failed("a", DELIVERS, UNDELIVERED, SEND, NOT_SENT),
        "A send was answered 502, and no instance was asked or posted anything",
    ),
    "posted in vain": (
        failed("a", DELIVERS, UNDELIVERED, SEND, ASKS, POST_404, NOT_SENT),
        "did not deliver it, which answered 404",
    ),
    "the row is not repaired": (
        failed("a", ROW_MOVES, ROW_KEPT, ROW, SEND, ASKS, DELIVERED),
        "sent through the holder, and the row kept its wrong URL",
    ),
    "the webhook is not written": (
        failed("a", ROW_MOVES, ROW_KEPT, ROW, WEBHOOK, answered(200)),
        "was answered 2xx, and the row kept its old URL",
    ),
    "the webhook is refused": (
        failed("a", ROW_MOVES, ROW_KEPT, ROW, WEBHOOK, answered(401)),
        "A webhook that had to be accepted was answered 401",
    ),
    "a webhook that had to be refused": (
        failed("a", "the webhook is answered 401", "it was answered 200", ROW, WEBHOOK, answered(200)),
        "A webhook that had to be refused was accepted with 200",
    ),
    "the webhook is written wrongly": (
        failed(
            "a", ROW_MOVES, "its assigned_instance_url is http://evil.example", ROW, WEBHOOK, answered(200)
        ),
        "wrote another URL into the row",
    ),
    "a foreign location": (
        failed("a", f"the row names one of {ONE}, {TWO}", "it names 'http://evil.example'", ROW, WEBHOOK),
        "a location into the row that is no configured instance",
    ),
    "another row": (
        failed("a", "the first account's row is not written", 'status was "a" and is now "b"', WEBHOOK),
        "A webhook wrote what it had to leave alone in a row (status)",
    ),
    "a check refused": (
        failed("a", "x", "y", CHECK, (Event(0, "implementation", "user", "404 no", "bad"),)),
        "POST /api/health-check was answered 404",
    ),
    "a check under a fault": (
        failed(
            "a",
            "the check reports 2 checked, 1 verified, 0 unreachable",
            "2 checked, 0 verified, 2 unreachable",
            FAULT,
            CHECK,
        ),
        "met an instance that went wrong, and counted a row as unreachable that is not",
    ),
    "a missing line": (
        failed("a", 'the log has a line "Session verified" with x', "it has no such line, but z", SEND, ASKS),
        'The log lacks the line "Session verified" after a send',
    ),
    "a line with another value": (
        failed(
            "a",
            'the log has a line "Synced" with old_url "x"',
            'it has 1, the last with old_url "y": Synced',
            SEND,
        ),
        'The line "Synced" is logged with another old_url',
    ),
    "an undue line": (
        failed("a", 'the log has no line "Auto-syncing" of the session', "it has 2: x", WEBHOOK),
        'The log has the line "Auto-syncing", and no such thing happened',
    ),
    "another person": (
        failed("a", '"hello" goes to 1 over session s', "instance 3002 sent it to 2 over session s", SEND),
        "to another person than the one it was for",
    ),
    "another session": (
        failed("a", '"hello" goes to 1 over session s', "instance 3002 sent it to 1 over session t", SEND),
        "over another session than its account's",
    ),
    "counted twice": (
        failed("a", "1 consecutive verification failures are counted", "2 are counted"),
        "verification failures are counted too often",
    ),
    "it ended": (
        failed("a", "the implementation goes on running", "it ended with status 1; its last output:\n  x"),
        "ended by itself: it ended with status 1",
    ),
    "refused connections": (
        failed("a", DELIVERS, "the user got no answer: Connection refused", SEND),
        "refused the connection",
    ),
    "nothing that a rule knows": (
        failed("a", "the sky is blue", "it is grey"),
        "Expected that the sky is blue; observed: it is grey",
    ),
}


@pytest.mark.parametrize(("one", "words"), WORDS.values(), ids=WORDS.keys())
def test_a_cause_says_what_the_implementation_did(one: Record, words: str) -> None:
    (cause,) = causes(one)

    assert words in cause.words
    assert (cause.requirements, cause.scenarios) == (("SCAN-01",), (one.id,))


def test_findings_that_differ_only_in_made_up_names_are_of_one_cause() -> None:
    told = [
        failed(
            f"scenario {one}",
            f'instance 300{one} is told "hello {one}aqx" of webjs_{one}_1763798326_Ab{one}',
            f"instance 300{one} was told at http://127.0.0.3{one}:4{one}001 and answered 404; 0.{one} s",
        )
        for one in range(1, 5)
    ]

    (cause,) = causes(*told)

    assert len(cause.scenarios) == 4


def test_the_status_that_an_implementation_chose_keeps_causes_apart() -> None:
    told = [failed(f"s{status}", DELIVERS, f"it answered {status}") for status in (404, 500)]

    assert len(causes(*told)) == 2


def test_unrelated_mistakes_are_apart_and_the_worst_comes_first() -> None:
    unasked = [failed(f"u{one}", DELIVERS, UNDELIVERED, ROW, SEND, POST_404, NOT_SENT) for one in range(3)]
    person = failed("p", '"a" goes to 1 over session s', "instance 3002 sent it to 2 over session s", SEND)
    shoulds = [failed(f"r{one}", "x", "y", requirement="SCAN-07") for one in range(5)]

    found = causes(*shoulds, person, *unasked)

    assert [len(one.scenarios) for one in found] == [3, 1, 5]
    assert found[2].requirements == ("SCAN-07",)


def test_on_a_tie_what_users_suffer_comes_before_what_is_counted() -> None:
    count = failed("c", "2 consecutive verification failures are counted", "0 are counted", CHECK)
    seen = "instance 3002 sent it to 2 over session s"
    person = failed("p", '"a" goes to 1 over session s', seen, SEND, requirement="SCAN-02")

    assert [one.scenarios for one in causes(count, person)] == [(person.id,), (count.id,)]


def test_sends_that_are_counted_too_rarely_follow_from_a_row_that_no_send_repairs() -> None:
    count = failed("c", "more are counted: 1 by scan", "0 by scan", SEND, requirement="SCAN-02")
    kept = failed("k", ROW_MOVES, ROW_KEPT, ROW, SEND, ASKS, DELIVERED)

    (cause,) = causes(count, kept)

    assert "the row kept its wrong URL" in cause.words
    assert cause.scenarios == (kept.id, count.id)


def test_verification_failures_counted_too_rarely_follow_from_questions_that_were_never_asked() -> None:
    count = failed("c", "2 consecutive verification failures are counted", "0 are counted", CHECK)
    unasked = failed("u", DELIVERS, UNDELIVERED, ROW, SEND, POST_404, NOT_SENT)

    (cause,) = causes(count, unasked)

    assert UNASKED in cause.words


def test_what_follows_from_a_cause_is_with_it_and_never_shows_it() -> None:
    line = f'the log has a line "{log_events.AUTO_SYNC}" with old_url x'
    symptom = failed(
        "a symptom", line, "it has no line at all", WEBHOOK, answered(200), requirement="SCAN-02"
    )
    plain = failed("plain", ROW_MOVES, ROW_KEPT, ROW, *[HOLDER] * 9, WEBHOOK, answered(200))

    (cause,) = causes(symptom, plain)

    assert cause.requirements == ("SCAN-01", "SCAN-02")
    assert cause.scenarios == (plain.id, symptom.id)


def test_a_line_is_missing_for_a_reason_of_its_own_where_a_webhook_moved_a_row_elsewhere() -> None:
    line = f'the log has a line "{log_events.AUTO_SYNC}" with old_url x'
    symptom = failed("a symptom", line, "it has no line at all", WEBHOOK, answered(200))
    odd = failed("odd ids", ROW_MOVES, ROW_KEPT, ROW, WEBHOOK, answered(200))
    works = passed(
        "it works",
        "Given its row is assigned to instance 3001",
        "When instance 3002 announces session_ready",
        "Then the row is assigned to instance 3002",
    )

    assert len(causes(symptom, odd, works)) == 2


def test_where_no_write_ever_reaches_a_row_that_is_one_cause() -> None:
    webhook = failed("w", ROW_MOVES, ROW_KEPT, ROW, WEBHOOK, answered(200))
    send = failed("s", ROW_MOVES, ROW_KEPT, ROW, SEND, ASKS, DELIVERED)

    (cause,) = causes(webhook, send)

    assert "no write reached it" in cause.words
    works = passed(
        "works",
        "Given its row is assigned to instance 3001",
        "When x",
        "Then the row is assigned to instance 3002",
    )
    assert len(causes(webhook, send, works)) == 2


def test_the_clearest_scenario_is_of_a_must_and_short() -> None:
    long = failed("long", DELIVERS, UNDELIVERED, ROW, *[HOLDER] * 5, SEND, POST_404)
    short = failed("short", DELIVERS, UNDELIVERED, ROW, SEND, POST_404)
    should = failed("should", DELIVERS, UNDELIVERED, SEND, POST_404, requirement="SCAN-07")

    (cause,) = causes(should, long, short)

    assert cause.scenarios == (short.id, long.id, should.id)
    assert cause.requirements == ("SCAN-01", "SCAN-07")


def test_what_passed_was_not_judged_proves_the_instrument_or_is_not_claimed_has_no_cause() -> None:
    unjudged = record(scenario("n", "SCAN-01"), Outcome.NOT_JUDGED, reason="not up")
    proof = failed("proof", "x", "y", requirement="SCAN-09")
    unclaimed = failed("unclaimed", "x", "y", requirement="AUTH-05")

    assert causes(unjudged, proof, unclaimed, passed("p")) == ()


def test_causes_survive_the_trip_through_json() -> None:
    report = Made((failed("a", DELIVERS, UNDELIVERED, ROW, SEND, POST_404),), 1).report()

    assert parse_json(render_json(report)).causes == report.causes != ()


def test_a_hostile_finding_is_grouped_within_bounds_and_shown_without_control_characters() -> None:
    hostile = "\x1b[2J" + '"' * 5000 + "http://" * 5000 + "\n" * 300
    one = failed("a", hostile, hostile[::-1])

    report = Made((one,), 1).report()
    lines = text.summary(report)

    assert all(len(line) < 400 and "\x1b" not in line for line in lines)


def test_a_terminal_is_told_each_cause_once_with_its_clearest_scenario_and_within_a_screen() -> None:
    kinds = [
        f"{word} is blue" for word in ("sky", "sea", "eye", "ink", "jay", "tit", "gem", "egg", "bay", "den")
    ]
    many = [
        replace(one, evidence=replace(one.evidence, timeline=tuple(f"{at}.000 s  x" for at in range(60))))
        for one in (failed(kind, kind, "it is grey") for kind in kinds)
    ]
    lines = text.summary(report_of(CATALOGUE, [], many, [one.node for one in many]))

    assert len(lines) < 100
    assert "10 causes, worst first" in lines
    assert "and 2 more causes: -v, or the report" in lines
    assert sum("more lines: -v, or the report" in one for one in lines) == 5
    assert lines[-1].startswith("verdict         non-conformant")


@pytest.mark.parametrize(
    ("expected", "observed", "found"),
    [
        (
            "1 webhook, 0 send more are counted, 1 in all",
            "0 webhook, 0 send, 0 in all",
            ("moves by webhooks", "too rarely"),
        ),
        (
            "the greps count 0 scan syncs, 1 verification failures",
            "they count 0 scan syncs, 2 verification failures: x",
            ("verification failures", "too often"),
        ),
        (
            "the metric session_verification_failures_total went up by 4",
            "it went up by 8",
            ("verification failures", "too often"),
        ),
        ("3 sync events are counted", "nothing is", ("events", "wrongly")),
    ],
)
def test_what_is_counted_wrongly_is_named(expected: str, observed: str, found: tuple[str, str]) -> None:
    assert off(expected, observed) == found


def test_abstraction_keeps_words_and_takes_out_what_differs() -> None:
    told = abstracted("row 142 of webjs_1_1763798326_Ab at http://127.0.0.1:3001 after 0.25 s, instance 3003")

    assert told == "row N of SESSION at URL after N, instance N"
    assert (
        kind_of('the log has a line "Session verified in x" of "a"', "")[0].count("Session verified in x")
        == 1
    )
    assert not re.search(r"\d", kind_of("instance 3002 has 5", "it has 7")[0])


def test_without_a_failure_there_is_no_cause() -> None:
    assert causes_of([passed("a")], ()) == ()
