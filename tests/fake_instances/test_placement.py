"""Who holds a session, and how one goes from one instance to another."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError, Session, SessionStatus, UnknownInstanceError, UnknownSessionError
from fake_instances.faults import LoseWebhook
from fake_instances.journal import SessionHeld, SessionReleased, WebhookLost, WebhookSent
from fake_instances.placement import Handover
from tests.fake_instances.support import MESSAGE, PATIENCE, SEND, SESSION, SESSION_ID, Caller, entries

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances import Fleet
    from tests.fake_instances.support import ControlPlane

STALE = replace(SESSION, status=SessionStatus.DISCONNECTED)
OTHER = Session("webjs_2_other", 2, "628444555666")
UNKNOWN = "no instance holds session unknown connected"
UNFINISHED = f"no move of session {SESSION_ID} is unfinished"
NOT_HELD = f"instance 3002 does not hold session {SESSION_ID}"
MISUSES: dict[str, tuple[Callable[[Fleet], object], str]] = {
    "release": (lambda fleet: fleet.release(SESSION_ID, on=3002), NOT_HELD),
    "set_status": (lambda fleet: fleet.set_status(SESSION_ID, SessionStatus.FAILED, on=3002), NOT_HELD),
    "move": (lambda fleet: fleet.move("unknown", 3002), UNKNOWN),
    "move stale": (lambda fleet: fleet.move("stale", 3002), UNKNOWN.replace("unknown", "stale")),
    "migrate": (lambda fleet: fleet.migrate("unknown", 3002), UNKNOWN),
    "finish": (lambda fleet: fleet.placement.finish(SESSION_ID), UNFINISHED),
    "finish_migration": (lambda fleet: fleet.finish_migration(SESSION_ID), UNFINISHED),
}


def sent_over(fleet: Fleet) -> list[int]:
    """Return the status that each instance answers to a message over the session."""
    statuses = []
    for number in fleet.numbers:
        with Caller(fleet, number) as caller:
            statuses.append(caller.post(SEND, MESSAGE).status)
    return statuses


def held(fleet: Fleet) -> list[list[Session]]:
    return [list(fleet.sessions(number)) for number in fleet.numbers]


@pytest.mark.parametrize(("use", "sentence"), MISUSES.values(), ids=MISUSES)
def test_a_session_that_is_not_there_is_named_and_nothing_changes(
    fleet: Fleet, use: Callable[[Fleet], object], sentence: str
) -> None:
    fleet.hold(replace(STALE, session_id="stale"), on=3001)
    before = held(fleet)
    with pytest.raises(UnknownSessionError) as told:
        use(fleet)
    assert str(told.value) == sentence
    assert (held(fleet), fleet.unfinished()) == (before, {})


@pytest.mark.parametrize("status", list(SessionStatus))
def test_only_a_connected_copy_makes_a_holder(fleet: Fleet, status: SessionStatus) -> None:
    changed = fleet.set_status(SESSION_ID, status, on=3001)
    assert changed == replace(SESSION, status=status)
    assert fleet.holders(SESSION_ID) == ((3001,) if status is SessionStatus.CONNECTED else ())
    assert held(fleet) == [[changed], []]
    last = entries(fleet, SessionHeld)[-1]
    assert (last.instance, last.session_id, last.status) == (3001, SESSION_ID, status.value)


def test_holders_are_in_the_order_of_instances_and_for_the_very_id(fleet: Fleet) -> None:
    fleet.hold(SESSION, on=3002)
    assert (fleet.holders(SESSION_ID), fleet.holders(SESSION_ID.lower())) == ((3001, 3002), ())
    assert fleet.release(SESSION_ID, on=3001) == SESSION
    assert fleet.holders(SESSION_ID) == (3002,)


@pytest.mark.parametrize(
    ("handover", "during", "answers", "lasts"),
    [
        (Handover.AT_ONCE, [[], [SESSION]], [404, 200], False),
        (Handover.SPLIT_BRAIN, [[SESSION], [SESSION]], [200, 200], True),
        (Handover.GAP, [[], []], [404, 404], True),
        (Handover.STALE_COPY, [[STALE], [SESSION]], [400, 200], False),
    ],
    ids=list(Handover),
)
def test_a_session_changes_hands_silently_as_ordered(  # noqa: PLR0917
    fleet: Fleet,
    control_plane: ControlPlane,
    handover: Handover,
    during: list[list[Session]],
    answers: list[int],
    lasts: bool,  # noqa: FBT001
) -> None:
    assert control_plane.url
    with pytest.raises(UnknownInstanceError):
        fleet.move(SESSION_ID, 3009, handover)
    assert fleet.move(SESSION_ID, 3002, handover) == SESSION
    assert (held(fleet), sent_over(fleet)) == (during, answers)
    assert fleet.unfinished() == ({SESSION_ID: 3002} if lasts else {})
    if lasts:
        for again in Handover:
            with pytest.raises(FleetError) as told:
                fleet.move(SESSION_ID, 3001, again)
            assert str(told.value) == f"session {SESSION_ID} is between two instances: finish that move first"
        assert held(fleet) == during
        assert fleet.placement.finish(SESSION_ID) == SESSION
        assert (held(fleet), sent_over(fleet), fleet.unfinished()) == ([[], [SESSION]], [404, 200], {})
    fleet.move(SESSION_ID, 3001, handover)
    assert not entries(fleet, WebhookSent)


@pytest.mark.parametrize("to", [3001, 3002])
def test_a_move_ends_a_split_brain(fleet: Fleet, to: int) -> None:
    fleet.hold(SESSION, on=3002)
    fleet.move(SESSION_ID, to)
    assert fleet.holders(SESSION_ID) == (to,)


@pytest.mark.parametrize("handover", list(Handover))
def test_a_migration_is_announced_by_its_new_instance_when_that_holds_the_session(
    fleet: Fleet, control_plane: ControlPlane, handover: Handover
) -> None:
    before = fleet.journal.last
    begun = fleet.migrate(SESSION_ID, 3002, handover)
    ended = fleet.finish_migration(SESSION_ID) if fleet.unfinished() else None
    delivery = ended if handover is Handover.GAP else begun
    assert [begun, ended].count(None) == 1
    assert delivery is not None
    arrived = control_plane.take()
    assert delivery.wait(PATIENCE).status == 200
    assert arrived.header("X-Instance-Url") == fleet.url(3002)
    assert json.loads(arrived.body)["event"] == "session_reconnected"
    (sent,) = entries(fleet, WebhookSent)
    taken_in = fleet.journal.wait_for(SessionHeld, timeout=0, after=before, instance=3002)
    assert taken_in.sequence < sent.sequence
    if handover is Handover.AT_ONCE:
        kinds = [type(entry) for entry in fleet.journal.entries(after=before)]
        assert kinds[:3] == [SessionReleased, SessionHeld, WebhookSent]


def test_a_migration_whose_webhook_is_lost_has_moved_the_session(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    assert control_plane.url
    fleet.arm(LoseWebhook(), 3002, times=1)
    assert fleet.migrate(SESSION_ID, 3002) is None
    assert fleet.holders(SESSION_ID) == (3002,)
    (lost,) = entries(fleet, WebhookLost)
    assert (lost.instance, lost.event) == (3002, "session_reconnected")


def test_a_connected_session_is_announced_as_ready(fleet: Fleet, control_plane: ControlPlane) -> None:
    fleet.connect(replace(OTHER, status=SessionStatus.QR_SCANNING), on=3002)
    arrived = control_plane.take()
    assert json.loads(arrived.body)["event"] == "session_ready"
    assert json.loads(arrived.body)["data"]["session_id"] == OTHER.session_id
    assert arrived.header("X-Instance-Url") == fleet.url(3002)
    assert fleet.holders(OTHER.session_id) == (3002,)


def test_a_reset_fleet_has_forgotten_a_move_that_was_not_finished(fleet: Fleet) -> None:
    fleet.move(SESSION_ID, 3002, Handover.GAP)
    fleet.reset()
    assert (fleet.unfinished(), held(fleet)) == ({}, [[], []])
    fleet.hold(SESSION, on=3001)
    fleet.move(SESSION_ID, 3002)
