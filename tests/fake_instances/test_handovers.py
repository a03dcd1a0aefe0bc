"""How a session goes from one instance to another, and what becomes of an instance's sessions when it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError, Session, SessionStatus, UnknownInstanceError, UnknownSessionError
from fake_instances.journal import InstanceStarted, InstanceStopped, WebhookSent
from fake_instances.placement import Handover
from tests.fake_instances.support import (
    LIST,
    MESSAGE,
    PATIENCE,
    SEND,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    address_of,
    entries,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances import Fleet
    from tests.fake_instances.support import ControlPlane

STALE = replace(SESSION, status=SessionStatus.DISCONNECTED)
OTHER = Session("webjs_2_other", 2, "628444555666")


@pytest.fixture
def fleet(hosted: Fleet) -> Fleet:
    return hosted


def sent_over(fleet: Fleet) -> list[int]:
    """Give the status that each instance answers to a message over the session."""
    statuses = []
    for number in fleet.numbers:
        with Caller(fleet, number) as caller:
            statuses.append(caller.post(SEND, MESSAGE).status)
    return statuses


@pytest.mark.parametrize(
    ("handover", "during", "answers", "after"),
    [
        (Handover.AT_ONCE, ([], [SESSION]), [404, 200], None),
        (Handover.SPLIT_BRAIN, ([SESSION], [SESSION]), [200, 200], ([], [SESSION])),
        (Handover.GAP, ([], []), [404, 404], ([], [SESSION])),
        (Handover.STALE_COPY, ([STALE], [SESSION]), [400, 200], None),
    ],
    ids=list(Handover),
)
def test_a_session_changes_hands_as_ordered(
    fleet: Fleet,
    handover: Handover,
    during: tuple[list[Session], list[Session]],
    answers: list[int],
    after: tuple[list[Session], list[Session]] | None,
) -> None:
    assert fleet.move(SESSION_ID, 3002, handover) == SESSION
    assert (list(fleet.sessions(3001)), list(fleet.sessions(3002))) == during
    assert sent_over(fleet) == answers
    assert fleet.unfinished() == ({SESSION_ID: 3002} if after else {})
    if after is None:
        with pytest.raises(UnknownSessionError, match=f"^no move of session {SESSION_ID} is unfinished$"):
            fleet.placement.finish(SESSION_ID)
        return
    assert fleet.placement.finish(SESSION_ID) == SESSION
    assert (list(fleet.sessions(3001)), list(fleet.sessions(3002))) == after
    assert sent_over(fleet) == [404, 200]
    assert fleet.unfinished() == {}


@pytest.mark.parametrize("unfinished", [Handover.SPLIT_BRAIN, Handover.GAP])
@pytest.mark.parametrize("handover", list(Handover))
def test_a_session_between_two_instances_cannot_move_again_before_it_has_arrived(
    fleet: Fleet, unfinished: Handover, handover: Handover
) -> None:
    fleet.move(SESSION_ID, 3002, unfinished)
    held = (fleet.sessions(3001), fleet.sessions(3002))
    with pytest.raises(FleetError) as told:
        fleet.move(SESSION_ID, 3001, handover)
    assert str(told.value) == f"session {SESSION_ID} is between two instances: finish that move first"
    assert (fleet.sessions(3001), fleet.sessions(3002)) == held
    fleet.placement.finish(SESSION_ID)
    fleet.move(SESSION_ID, 3001, handover)


@pytest.mark.parametrize("handover", list(Handover))
def test_a_move_that_is_not_possible_changes_nothing(fleet: Fleet, handover: Handover) -> None:
    with pytest.raises(UnknownInstanceError):
        fleet.move(SESSION_ID, 3009, handover)
    with pytest.raises(UnknownSessionError):
        fleet.move("unknown", 3002, handover)
    assert (fleet.holders(SESSION_ID), fleet.unfinished()) == ((3001,), {})


@pytest.mark.parametrize(
    "finish",
    [lambda fleet: fleet.placement.finish, lambda fleet: fleet.finish_migration],
    ids=["finish", "finish migration"],
)
def test_a_move_that_was_not_begun_or_is_over_cannot_be_finished(
    fleet: Fleet, finish: Callable[[Fleet], Callable[[str], object]]
) -> None:
    for _ in range(2):
        with pytest.raises(UnknownSessionError, match=f"^no move of session {SESSION_ID} is unfinished$"):
            finish(fleet)(SESSION_ID)
        fleet.move(SESSION_ID, 3002 if fleet.holders(SESSION_ID) == (3001,) else 3001, Handover.GAP)
        finish(fleet)(SESSION_ID)


@pytest.mark.parametrize("handover", [Handover.AT_ONCE, Handover.SPLIT_BRAIN, Handover.STALE_COPY])
def test_a_migration_is_announced_when_it_begins(
    fleet: Fleet, control_plane: ControlPlane, handover: Handover
) -> None:
    delivery = fleet.migrate(SESSION_ID, 3002, handover)
    assert delivery is not None
    assert control_plane.take().header("X-Instance-Url") == fleet.url(3002)
    assert delivery.wait(PATIENCE).status == 200
    if handover is Handover.SPLIT_BRAIN:
        assert fleet.finish_migration(SESSION_ID) is None
    assert len(entries(fleet, WebhookSent)) == 1


def test_a_migration_through_a_gap_is_announced_when_it_ends(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    assert fleet.migrate(SESSION_ID, 3002, Handover.GAP) is None
    assert not entries(fleet, WebhookSent)
    delivery = fleet.finish_migration(SESSION_ID)
    assert delivery is not None
    announced = control_plane.take()
    assert delivery.wait(PATIENCE).status == 200
    assert announced.header("X-Instance-Url") == fleet.url(3002)
    assert json.loads(announced.body)["event"] == "session_reconnected"


def test_a_reset_fleet_has_forgotten_a_move_that_was_not_finished(fleet: Fleet) -> None:
    fleet.move(SESSION_ID, 3002, Handover.GAP)
    fleet.reset()
    assert fleet.unfinished() == {}
    fleet.hold(SESSION, on=3001)
    fleet.move(SESSION_ID, 3002)


# An instance that ends and starts


@pytest.mark.parametrize("abruptly", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("keep", [False, True], ids=["without sessions", "with sessions"])
def test_an_instance_that_ended_starts_again_on_its_port(fleet: Fleet, *, abruptly: bool, keep: bool) -> None:
    fleet.hold(replace(OTHER, status=SessionStatus.FAILED), on=3001)
    held, url = fleet.sessions(3001), fleet.url(3001)
    with Caller(fleet) as caller:
        number = len(entries(fleet, InstanceStarted))
        assert caller.get(STATUS).status == 200
        fleet.stop_instance(3001, abruptly=abruptly)
        assert caller.until_the_end() == (b"", "FIN")
    with pytest.raises(ConnectionRefusedError):
        Caller(fleet)
    assert (fleet.sessions(3001), fleet.holders(SESSION_ID)) == ((), ())
    assert [entry.killed for entry in entries(fleet, InstanceStopped)] == [abruptly]
    assert fleet.start_instance(3001, keep_sessions=keep) == ()
    assert fleet.url(3001) == url
    assert len(entries(fleet, InstanceStarted)) == number + 1
    assert fleet.sessions(3001) == (held if keep else ())
    assert truth(fleet).status == (200 if keep else 404)


@pytest.mark.parametrize("keep", [False, True], ids=["without sessions", "with sessions"])
def test_a_restarted_instance_announces_what_it_kept_connected(
    fleet: Fleet, control_plane: ControlPlane, *, keep: bool
) -> None:
    fleet.hold(replace(OTHER, status=SessionStatus.FAILED), on=3001)
    deliveries = fleet.restart(3001, keep_sessions=keep)
    if keep:
        assert json.loads(control_plane.take().body)["data"]["session_id"] == SESSION_ID
    assert [delivery.wait(PATIENCE).status for delivery in deliveries] == ([200] if keep else [])


def test_sessions_that_came_elsewhere_meanwhile_are_held_twice_by_an_instance_that_kept_them(
    fleet: Fleet,
) -> None:
    fleet.stop_instance(3001, abruptly=True)
    fleet.hold(SESSION, on=3002)
    fleet.start_instance(3001)
    assert fleet.holders(SESSION_ID) == (3001, 3002)


def test_stopping_and_starting_twice_is_the_same_as_once(fleet: Fleet) -> None:
    for _ in range(2):
        fleet.stop_instance(3001)
    for _ in range(2):
        fleet.start_instance(3001)
    assert fleet.holders(SESSION_ID) == (3001,)
    assert len(entries(fleet, InstanceStopped)) == 1


def test_an_instance_that_ended_leaves_the_others_alone(fleet: Fleet) -> None:
    with Caller(fleet, 3002) as other:
        assert other.get(LIST).status == 200
        fleet.stop_instance(3001, abruptly=True)
        assert other.get(LIST).status == 200


def test_a_reset_fleet_runs_again_whatever_was_done_to_it(fleet: Fleet) -> None:
    ports = [address_of(url) for url in fleet.urls]
    fleet.stop_instance(3001, abruptly=True)
    fleet.pause(3002)
    fleet.reset()
    fleet.hold(SESSION, on=3002)
    assert [address_of(url) for url in fleet.urls] == ports
    assert sent_over(fleet) == [404, 200]
