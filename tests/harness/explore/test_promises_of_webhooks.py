"""What is promised of a webhook, and in which situations nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.explore.moments import NOWHERE, OTHER, WELL, WRONG, promised, texts

ACCEPTED, REFUSED = "the webhook is accepted", "the webhook is refused with status 401"
UNWRITTEN = "the row was not written"
ASSIGNED = "the row is assigned to instance 3002"
STILL = "the row is still assigned to instance 3002"
READY = "announces number=3002 event=session_ready"


def test_the_one_holder_is_believed() -> None:
    made = promised(READY, "set-row number=3001", before=WRONG)
    assert {("AUTH-01", ACCEPTED), ("WEBHOOK-01", ASSIGNED)} <= made
    assert (
        "WEBHOOK-05",
        "the log says that a webhook moved the URL from instance 3001 to instance 3002",
    ) in made
    assert ("WEBHOOK-08", "every other account's row was not written") in made


def test_a_confirmation_is_no_move() -> None:
    made = promised(READY)
    assert ("WEBHOOK-11", "the log has no move by webhook") in made
    assert "its updated_at is the time of the write, in UTC" not in {then for _, then in made}


@pytest.mark.parametrize(
    ("action", "requirement"),
    [
        ("announces-in-chunks number=3002 size=7", "WEBHOOK-17"),
        ("announces-no-workspace number=3002", "WEBHOOK-14"),
        ("announces-null-phone number=3002", "WEBHOOK-02"),
        ("announces-with-slash number=3002", "WEBHOOK-11"),
        ("announces-much number=3002 framing=chunked", "AUTH-08"),
        ("announces-behind-burst number=3002 count=80", "WEBHOOK-19"),
        ("announces-held number=3002", "WEBHOOK-21"),
        ("reconnects number=3002", "WEBHOOK-02"),
    ],
)
def test_the_form_of_an_announcement_names_the_requirement(action: str, requirement: str) -> None:
    assert (requirement, ASSIGNED) in promised(action, before=WRONG)


def test_an_announcement_that_nobody_confirms_promises_little() -> None:
    silent = replace(WRONG, silent=frozenset({3002}))
    assert promised(READY, before=silent) == set()
    assert promised(READY, before=replace(WRONG, pending=True)) == set()
    assert promised(READY, before=replace(WRONG, dialect=True)) == set()
    assert promised(READY, "announces-signed number=3002 seconds=100 direction=ahead", before=WRONG) == set()


def test_a_claim_of_an_instance_without_the_session_moves_nothing() -> None:
    assert promised("announces number=3004 event=session_ready") == {("SPOOF-04", STILL)}
    assert promised("announces number=3004 event=session_ready", before=WRONG) == set()
    assert promised("announces number=3004 event=session_ready", before=NOWHERE) == set()


def test_a_clock_that_was_ahead_keeps_out_no_later_truth() -> None:
    ahead = "announced-ahead number=3002 seconds=240"
    moved = replace(WELL, holders=frozenset({3004}))
    made = promised("reconnects number=3004", ahead, before=WELL, now=moved)
    assert ("WEBHOOK-12", "the row is assigned to instance 3004") in made
    # After more than that, an order by timestamps may be another one.
    assert promised("reconnects number=3004", ahead, READY, before=WELL, now=moved) == set()
    assert promised("announces-no-location number=3002", ahead) == set()


def test_a_session_that_was_announced_too_early_is_heard_in_time() -> None:
    unset = replace(WELL, row=None, named=None)
    assert ("WEBHOOK-20", ASSIGNED) in promised(READY, "announced-early number=3002", before=unset)
    assert ("WEBHOOK-06", ASSIGNED) in promised(READY, before=unset)


def test_a_phone_number_stays_unless_another_webhook_brought_one() -> None:
    keeps = "the row keeps its phone number"
    assert ("WEBHOOK-02", keeps) in promised("reconnects number=3002")
    assert keeps not in texts("reconnects number=3002", "announces-no-location number=3002")
    assert ("WEBHOOK-03", keeps) in promised(READY, "announces-no-location number=3002")


def test_an_event_without_a_location_is_none() -> None:
    assert promised("announces number=3004 event=qr_code_generated") == {("WEBHOOK-07", STILL)}
    assert (
        promised("announces number=3004 event=qr_code_generated", before=replace(WELL, named=None)) == set()
    )


@pytest.mark.parametrize(
    ("action", "requirement"),
    [
        ("announces-flawed number=3002 'flaw=no signature'", "AUTH-02"),
        ("announces-flawed number=3002 'flaw=the wrong secret'", "AUTH-03"),
        ("announces-flawed number=3002 'flaw=an emoji'", "AUTH-13"),
        ("announces-at number=3002 text=empty", "AUTH-06"),
        ("announces-at number=3002 'text=superscript digits'", "AUTH-13"),
        ("announces-signed number=3002 seconds=340 direction=ago", "AUTH-04"),
        ("announces-signed number=3002 seconds=340 direction=ahead", "AUTH-05"),
    ],
)
def test_what_is_not_genuine_is_refused_and_writes_nothing(action: str, requirement: str) -> None:
    assert {(requirement, REFUSED), (requirement, UNWRITTEN)} <= promised(action, before=WRONG)


def test_a_webhook_from_within_the_window_is_taken_where_the_instance_confirms_it() -> None:
    within = "announces-signed number=3002 seconds=100 direction=ago"
    assert ("AUTH-01", ACCEPTED) in promised(within)
    assert promised(within, before=NOWHERE) == set()
    assert promised(within, READY) == set()
    assert promised("announces-signed number=3002 seconds=310 direction=ago") == set()


def test_a_body_over_the_limit_is_refused_unless_the_event_has_no_location() -> None:
    much = "announces-too-much number=3002 framing=declared"
    assert promised(f"{much} event=session_ready") == {
        ("AUTH-08", "the webhook is refused as too large"),
        ("AUTH-08", UNWRITTEN),
    }
    assert promised(f"{much} event=message_received") == {
        ("AUTH-08", "the webhook is taken or refused, and nothing breaks"),
        ("AUTH-08", STILL),
    }


def test_a_location_outside_is_never_stored() -> None:
    named = "the row names a configured instance as it is configured"
    assert ("SPOOF-01", named) in promised("names-location 'location=another host'")
    assert ("SPOOF-05", named) in promised("again-from 'location=another host'", READY)
    assert named not in texts("names-location 'location=another host'", before=replace(WELL, named=None))


def test_a_claimed_instance_without_the_session_is_not_stored_while_the_holder_answers() -> None:
    claim = "names-location 'location=instance 3004'"
    told = "one bounded line reports the refused location, and no line another event"
    assert promised(claim) == {("SPOOF-04", STILL), ("SPOOF-08", told)}
    assert promised(claim, "sends message=hello") == {("SPOOF-04", STILL)}
    assert promised(claim, before=replace(WELL, silent=frozenset({3004}))) == set()
    again, twice = "again-from 'location=instance 3004'", replace(WELL, holders=frozenset({3002, 3004}))
    assert promised(again, READY) == {("SPOOF-05", STILL)}
    assert promised(again, READY, before=twice) == {("AUTH-09", STILL)}


def test_the_same_webhook_again_says_nothing_new() -> None:
    said = ("WEBHOOK-09", "the row says what it said before")
    assert said in promised("webhook-again", READY)
    assert promised("webhook-again", READY, "sends message=hello") == set()
    assert promised("webhook-again", "announces number=3002 event=qr_code_generated") == set()


@pytest.mark.parametrize(
    ("earlier", "moves"),
    [
        (("set-row number=3001", "reconnects number=3002"), "one"),
        (("reconnects number=3002",), "no"),
        (("reconnects number=3004",), "one"),
    ],
)
def test_a_copy_makes_no_further_move(earlier: tuple[str, ...], moves: str) -> None:
    where = int(earlier[-1][-4:])
    before = replace(WELL, holders=frozenset({where}), named=where)
    assert ("WEBHOOK-11", f"the log has {moves} move by webhook") in promised(
        "webhook-again", *earlier, before=before
    )


def test_where_the_row_before_is_not_known_no_move_is_counted() -> None:
    made = texts("webhook-again", "row-names 'content=nothing'", "reconnects number=3002")
    assert not [one for one in made if "move by webhook" in one]


def test_an_old_announcement_does_not_undo_a_move_that_a_webhook_made() -> None:
    late = "webhook-late number=3001 seconds=100"
    assert promised(late, "reconnects number=3002") == {("WEBHOOK-12", STILL)}
    assert promised(late) == set()
    assert promised(late, "reconnects number=3002", before=replace(WELL, pending=True)) == set()


def test_a_webhook_is_about_the_session_that_it_names() -> None:
    assert promised("announces-other number=3003") == {
        ("WEBHOOK-08", "the first account's row was not written"),
        ("WEBHOOK-08", "the other account's row is assigned to instance 3003"),
    }
    unconfirmed = promised("announces-other number=3003", other=replace(OTHER, silent=frozenset({3003})))
    assert unconfirmed == {("WEBHOOK-08", "the first account's row was not written")}


def test_copies_at_once_are_one_move_each() -> None:
    three = {("WEBHOOK-18", "the log has three moves by webhook")}
    assert promised("announced-at-once count=6") == three
    assert promised("announced-at-once count=6", before=WRONG) == set()
    assert promised("announced-at-once count=6", log=False) == set()


def test_odd_text_keeps_nothing_out() -> None:
    odd = "announces-odd number=3002 event=message_received 'oddity=a NUL'"
    below = ("WEBHOOK-17", "both webhooks are answered below 500")
    assert promised(odd) == {below, ("WEBHOOK-17", ASSIGNED)}
    assert promised(odd, before=replace(WELL, silent=frozenset({3002}))) == {below}


def test_what_was_accepted_outlives_the_process() -> None:
    killed = "killed-after-answer number=3002"
    assert promised("started-again", killed) == {("WEBHOOK-15", ASSIGNED)}
    assert promised("started-again", killed, before=NOWHERE) == set()
    assert promised("started-again") == set()


def test_a_webhook_again_may_be_believed_where_an_instance_failed_once() -> None:
    said = ("WEBHOOK-09", "the row says what it said before")
    once = "fails-once number=3002 'failure=answers 500' 'occasion=asked who holds the session'"
    assert said not in promised("webhook-again", once, READY)
