"""What is promised of a message, and in which situations nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fake_instances.faults import Answer, AnswersHollow, DeniesSession, Redirect, Reset, SendsThenFails
from harness.explore.promises.base import Promise
from harness.explore.promises.sends import NEVER_LATE, NEVER_TWICE
from harness.explore.promises.table import promises
from tests.harness.explore.moments import NOWHERE, OTHER, WELL, WRONG, moment, promised, texts

SEND = "sends message=hello"
SENT, NOT_SENT = "the user is told that it was sent", "the user is told that it was not sent"
DELIVERED = 'instance 3002 delivers "hello" once'
UNWRITTEN = "the row was not written"


def odd(*faults: object, number: int = 3002) -> object:
    return replace(WELL, odd_posts={number: faults})


def test_a_message_goes_out_where_the_row_says_and_the_row_is_left_alone() -> None:
    made = promised(SEND)
    assert {("VERIFY-02", DELIVERED), ("VERIFY-02", SENT), ("VERIFY-02", UNWRITTEN)} <= made
    assert ("VERIFY-01", "the assigned instance was asked before every post") in made


def test_a_wrong_row_is_repaired_on_the_way() -> None:
    made = promised(SEND, "set-row number=3001", before=WRONG)
    assert {("SCAN-01", DELIVERED), ("SCAN-01", "the row is assigned to instance 3002")} <= made
    assert ("SCAN-02", "the log says that a scan moved the URL from instance 3001 to instance 3002") in made
    assert UNWRITTEN not in {then for _, then in made}


@pytest.mark.parametrize(
    ("earlier", "before", "requirement"),
    [
        ("set-row-status status=failed", WELL, "SEND-12"),
        ("set-row-with-slash number=3002", replace(WELL, slash=True), "VERIFY-14"),
        ("set-row-to-none", replace(WELL, row=None, named=None), "VERIFY-11"),
        ("deployed-everywhere", replace(WELL, dialect=True), "VERIFY-10"),
        ("holds-alike number=3004 'likeness=begins like'", WELL, "VERIFY-04"),
        ("holds-others number=3004", WELL, "SCAN-04"),
        (
            "has-copy number=3004 status=disconnected",
            replace(WELL, copies={3004: "disconnected"}),
            "VERIFY-09",
        ),
        (
            "misbehaves number=3004 'behaviour=answers 500'",
            replace(WELL, silent=frozenset({3004})),
            "SCAN-05",
        ),
        (
            "misbehaves number=3001 'behaviour=never answers'",
            replace(WRONG, silent=frozenset({3001})),
            "VERIFY-05",
        ),
        (
            "misbehaves number=3001 'behaviour=drips its answer byte by byte'",
            replace(WRONG, silent=frozenset({3001})),
            "VERIFY-08",
        ),
        ("closed-idle number=3002", WELL, "SEND-17"),
        ("is-well-again number=3002", WELL, "SEND-18"),
        ("names-location 'location=instance 3004'", WRONG, "SPOOF-03"),
        ("announces number=3002 event=session_ready", WELL, "WEBHOOK-13"),
        ("sends message=before", WELL, "VERIFY-03"),
    ],
)
def test_what_is_special_of_the_scene_names_the_requirement(
    earlier: str, before: object, requirement: str
) -> None:
    assert (requirement, DELIVERED) in promised(SEND, earlier, before=before)


def test_of_a_session_that_is_nowhere_nothing_goes_out_and_it_is_said() -> None:
    made = promised(SEND, before=NOWHERE)
    assert {("SCAN-03", NOT_SENT), ("SCAN-03", UNWRITTEN)} <= made
    assert ("SCAN-03", "no message is posted to any instance") in made


def test_while_one_instance_cannot_be_asked_nobody_says_that_the_session_is_nowhere() -> None:
    made = promised(SEND, before=replace(NOWHERE, silent=frozenset({3003})))
    assert ("SCAN-08", "nothing says that the session is nowhere") in made
    assert ("SCAN-08", "the failure says that instance 3003 could not be asked") in made
    assert "the error says that the session was not found in any instance" not in {then for _, then in made}


def test_where_the_holder_cannot_be_asked_only_the_row_is_promised() -> None:
    assert promised(SEND, before=replace(WELL, silent=frozenset({3002})), log=False) == {
        ("SCAN-06", UNWRITTEN),
        ("SEND-02", 'the user is told what became of "hello"'),
    }


def test_where_three_cannot_be_asked_no_delivery_is_promised() -> None:
    assert DELIVERED not in texts(SEND, before=replace(WELL, silent=frozenset({3001, 3003, 3004})))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (SendsThenFails(by=Reset()), ("SEND-04", "the message is posted once in all")),
        (SendsThenFails(by=Reset()), ("SEND-04", "the user is not told for certain that it was not sent")),
        (DeniesSession(), ("SEND-06", "the message is posted at most eight times in all")),
        (AnswersHollow(b"{}"), ("SEND-11", NOT_SENT)),
        (AnswersHollow(b'{"success":true}', delivered=True), ("SEND-11", SENT)),
        (Answer(202, b""), ("SEND-11", NOT_SENT)),
        (Answer(429, b""), ("SEND-05", "the message is posted once in all")),
        (Answer(503, b""), ("SEND-02", NOT_SENT)),
    ],
)
def test_what_the_holder_does_with_a_message_is_told_as_it_is(
    fault: object, expected: tuple[str, str]
) -> None:
    before = odd(fault)
    if isinstance(fault, DeniesSession):
        before = replace(before, lying=frozenset({3002}))
    assert expected in promised(SEND, before=before)


def test_of_two_things_done_with_one_message_nothing_is_promised() -> None:
    before = odd(Answer(429, b""), SendsThenFails(by=Reset()))
    assert promised(SEND, before=before, log=False) == set()


def test_a_message_that_is_redirected_to_another_copy_is_posted_once() -> None:
    before = replace(
        WELL,
        holders=frozenset({3002, 3004}),
        odd_posts={3002: (Redirect("http://localhost:3004/api/messages/send", 307),)},
    )
    assert ("SEND-05", "the message is posted once in all") in promised(SEND, before=before)


def test_a_zombie_does_not_keep_a_message_from_the_other_copy() -> None:
    before = replace(
        WELL,
        holders=frozenset({3002, 3004}),
        odd_posts={3002: (DeniesSession(),)},
        lying=frozenset({3002}),
    )
    assert ("SEND-13", 'instance 3004 delivers "hello" once') in promised(SEND, before=before)


def test_of_two_copies_the_assigned_one_is_kept_and_of_two_others_nothing_is_known() -> None:
    twice = replace(WELL, holders=frozenset({3002, 3004}))
    assert ("SCAN-10", DELIVERED) in promised(SEND, before=twice)
    elsewhere = replace(twice, named=3001, row="http://localhost:3001")
    assert promised(SEND, before=elsewhere) == {("SEND-02", 'the user is told what became of "hello"')}


def test_a_session_that_moves_in_the_middle_is_followed_if_nothing_else_is_amiss() -> None:
    race = "moves-before-message old=3002 new=3004"
    moved = replace(WELL, holders=frozenset({3004}))
    pending = replace(WELL, pending=True)
    followed = ("SEND-03", 'instance 3004 delivers "hello" once')
    assert followed in promised(SEND, race, before=pending, now=moved)
    assert followed not in promised(SEND, race, before=replace(pending, silent=frozenset({3001})), now=moved)
    assert followed not in promised(SEND, race, before=pending, now=replace(moved, pending=True))
    assert followed not in promised(SEND, race, "denies number=3002", before=pending, now=moved)


def test_nothing_reaches_a_stranger() -> None:
    leaked = "nothing of the message, its recipient or the API key reached the stranger"
    assert ("SPOOF-02", leaked) in promised(SEND, "names-location 'location=the stranger'")
    assert ("SPOOF-02", leaked) in promised(SEND, "row-names 'content=a host outside the instances'")
    redirect = "redirects number=3002 'what=every question' status=307"
    assert ("SPOOF-06", "nothing at all reached the stranger") in promised(SEND, redirect)
    # Who was named may be asked, without a key.
    both = texts(SEND, "names-location 'location=the stranger'", redirect)
    assert "nothing at all reached the stranger" not in both


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("twenty-send", ("SCAN-09", "instance 3002 delivers each message once")),
        ("same-words", ("SEND-15", "instance 3002 delivers the words each time")),
        ("same-words-at-once", ("SEND-16", "instance 3002 delivers the words each time")),
        ("each-to-somebody", ("SEND-16", "each text went once to the person whom its user named")),
        (
            "both-send-their-own",
            ("SEND-08", "each message goes out once over the session of its own account"),
        ),
        ("sends-overlap old=3002 new=3004", ("VERIFY-03", 'instance 3004 delivers "second" once')),
        (
            "moves-before-each",
            ("SEND-07", "each message is delivered once by the instance that held the session"),
        ),
    ],
)
def test_many_sends_are_promised_where_all_is_well_and_only_there(
    action: str, expected: tuple[str, str]
) -> None:
    assert expected in promised(action)
    assert promised(action, before=replace(WELL, silent=frozenset({3002}))) == set()
    assert promised(action, "sends message=before") == set()


def test_the_same_words_of_both_accounts_go_out_where_both_sessions_are() -> None:
    assert promised("same-words-from-both", other=WELL) == {
        ("SEND-15", "instance 3002 delivers the words each time")
    }
    assert promised("same-words-from-both") == set()


def test_who_is_well_again_is_used_again() -> None:
    trouble = "sent-while-down count=six number=3002"
    assert promised("go-on-sending", trouble) == {("SEND-18", "instance 3002 delivers the last of them")}
    assert promised("go-on-sending", trouble, before=replace(WELL, silent=frozenset({3001}))) == set()


def test_what_cannot_be_sent_is_refused() -> None:
    wrong = "sends-wrongly part=recipient wrong=empty"
    assert ("SEND-09", "both sends are refused with an error below 500") in promised(wrong)
    assert "no instance is called for them" not in texts(wrong, before=replace(WELL, pending=True))


def test_the_other_accounts_message_goes_out_over_its_own_session() -> None:
    other = ("SEND-08", 'instance 3003 delivers "hello" of the other account once')
    assert promised("sends-from-other message=hello") == {other}
    assert promised("sends-from-other message=hello", other=NOWHERE) == {
        ("SEND-08", "no instance delivers anything for any account")
    }
    lying = replace(OTHER, lying=frozenset({3004}))
    assert promised("sends-from-other message=hello", other=lying) == set()
    assert promised("sends-from-other message=hello", SEND, other=NOWHERE) == set()


def test_one_lie_keeps_no_message_back_and_may_move_the_row() -> None:
    lied = replace(WRONG, lying=frozenset({3004}))
    assert texts(SEND, before=lied, log=False) == {
        DELIVERED,
        SENT,
        "the assigned instance was asked before every post",
    }
    assert DELIVERED not in texts(SEND, before=replace(lied, lying=frozenset({3001, 3004})))


def test_what_users_were_told_stays_true_whatever_follows() -> None:
    for action in (SEND, "reconnects number=3003", "health-check-runs"):
        made = [*promises(moment(action, "sends message=earlier"))]
        assert made[-2:] == [Promise("SEND-01", NEVER_TWICE), Promise("SEND-02", NEVER_LATE)]
        assert NEVER_TWICE not in {one.then for one in promises(moment(action))}
    lost = "sends-then-fails number=3002 'failure=resets the connection'"
    assert Promise("SEND-04", NEVER_TWICE) in promises(moment(SEND, lost, "sends message=earlier"))


def test_whoever_asks_again_may_be_answered_by_who_failed_once() -> None:
    silent = replace(WRONG, silent=frozenset({3002}))
    assert ("SCAN-06", UNWRITTEN) in promised(SEND, before=silent)
    assert ("SCAN-06", UNWRITTEN) not in promised(SEND, before=replace(silent, passing=frozenset({3002})))
    nowhere = replace(NOWHERE, silent=frozenset({3003}))
    said = ("SCAN-08", "nothing says that the session is nowhere")
    assert said in promised(SEND, before=nowhere)
    assert said not in promised(SEND, before=replace(nowhere, passing=frozenset({3003})))


def test_whoever_was_misled_by_a_copy_need_not_try_another() -> None:
    misled = replace(WRONG, lying=frozenset({3001}), misreporting=frozenset({3001}))
    assert DELIVERED not in texts(SEND, before=misled)
    assert DELIVERED in texts(SEND, before=replace(misled, misreporting=frozenset()))
    assert DELIVERED in texts(SEND, before=replace(misled, named=3002, row="http://localhost:3002"))
