"""Who really holds a session, through every way of moving one, and through a restart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances import (
    Fleet,
    FleetError,
    Session,
    SessionStatus,
    UnknownSessionError,
)
from fake_instances.faults import VERIFICATION, Endpoint, Hang, LoseWebhook
from fake_instances.journal import (
    InstanceStarted,
    InstanceStopped,
    SessionHeld,
    SessionReleased,
    WebhookLost,
    WebhookSent,
)
from tests.fake_instances.support import (
    LIST,
    MESSAGE,
    PATIENCE,
    SEND,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    entries,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fake_instances.support import ControlPlane

OTHER = Session("webjs_2_other", 2, "628444555666")


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda fleet: fleet.release("unknown", on=3001), "instance 3001 does not hold session unknown"),
        (
            lambda fleet: fleet.release(SESSION_ID, on=3002),
            f"instance 3002 does not hold session {SESSION_ID}",
        ),
        (
            lambda fleet: fleet.set_status("unknown", SessionStatus.FAILED, on=3002),
            "instance 3002 does not hold session unknown",
        ),
        (lambda fleet: fleet.move("unknown", 3002), "no instance holds session unknown connected"),
        (lambda fleet: fleet.migrate("unknown", 3002), "no instance holds session unknown connected"),
    ],
    ids=["release", "release elsewhere", "set status", "move", "migrate"],
)
def test_an_unknown_session_is_named(fleet: Fleet, use: Callable[[Fleet], object], sentence: str) -> None:
    with pytest.raises(UnknownSessionError) as told:
        use(fleet)
    assert str(told.value) == sentence
    assert isinstance(told.value, FleetError)


# Who holds a session


@pytest.mark.parametrize("status", list(SessionStatus))
def test_only_a_connected_copy_makes_a_holder(fleet: Fleet, status: SessionStatus) -> None:
    changed = fleet.set_status(SESSION_ID, status, on=3001)
    assert changed == replace(SESSION, status=status)
    assert fleet.holders(SESSION_ID) == ((3001,) if status is SessionStatus.CONNECTED else ())
    assert fleet.sessions(3001) == (changed,)
    last = entries(fleet, SessionHeld)[-1]
    assert (last.instance, last.session_id, last.status) == (3001, SESSION_ID, status.value)


def test_holders_are_told_in_the_order_of_instances_and_for_the_very_id(fleet: Fleet) -> None:
    fleet.hold(SESSION, on=3002)
    assert fleet.holders(SESSION_ID) == (3001, 3002)
    assert fleet.holders(SESSION_ID.lower()) == ()
    assert fleet.release(SESSION_ID, on=3001) == SESSION
    assert fleet.holders(SESSION_ID) == (3002,)


def test_a_moved_session_is_on_its_new_instance_alone_and_nobody_is_told(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    assert control_plane.url
    fleet.hold(OTHER, on=3001)
    assert fleet.move(SESSION_ID, 3002) == SESSION
    assert (fleet.sessions(3001), fleet.sessions(3002)) == ((OTHER,), (SESSION,))
    with Caller(fleet, 3001) as old, Caller(fleet, 3002) as new:
        assert (old.get(STATUS).status, new.get(STATUS).status) == (404, 200)
        assert (old.post(SEND, MESSAGE).status, new.post(SEND, MESSAGE).status) == (404, 200)
    assert not entries(fleet, WebhookSent)


@pytest.mark.parametrize("to", [3001, 3002])
def test_a_move_ends_a_split_brain(fleet: Fleet, to: int) -> None:
    fleet.hold(SESSION, on=3002)
    fleet.move(SESSION_ID, to)
    assert fleet.holders(SESSION_ID) == (to,)


def test_a_move_leaves_a_stale_copy_where_it_is(fleet: Fleet) -> None:
    fleet.move(SESSION_ID, 3002)
    fleet.hold(replace(SESSION, status=SessionStatus.DISCONNECTED), on=3001)
    fleet.move(SESSION_ID, 3002)
    assert fleet.sessions(3001)[0].status is SessionStatus.DISCONNECTED


def test_a_session_that_nobody_holds_connected_cannot_move(fleet: Fleet) -> None:
    fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
    with pytest.raises(UnknownSessionError):
        fleet.move(SESSION_ID, 3002)
    assert len(fleet.sessions(3001)) == 1


def test_a_migrated_session_is_announced_by_its_new_instance(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    before = fleet.journal.last
    delivery = fleet.migrate(SESSION_ID, 3002)
    assert delivery is not None
    arrived = control_plane.take()
    assert delivery.wait(PATIENCE).status == 200
    assert arrived.header("X-Instance-Url") == fleet.url(3002)
    assert json.loads(arrived.body)["event"] == "session_reconnected"
    kinds = [type(entry) for entry in fleet.journal.entries(after=before)]
    assert kinds[:3] == [SessionReleased, SessionHeld, WebhookSent]


def test_a_migration_whose_webhook_is_lost_has_moved_the_session(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    assert control_plane.url
    fleet.arm(LoseWebhook(), 3002, {Endpoint.WEBHOOK}, times=1)
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


# Restarting


def test_a_restarted_instance_keeps_its_port_and_announces_what_is_connected(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    fleet.hold(replace(OTHER, status=SessionStatus.DISCONNECTED), on=3001)
    url = fleet.url(3001)
    before = fleet.journal.last
    with Caller(fleet) as old:
        (delivery,) = fleet.restart(3001)
        assert old.is_cut()
    arrived = control_plane.take()
    assert delivery.wait(PATIENCE).status == 200
    assert (fleet.url(3001), arrived.header("X-Instance-Url")) == (url, url)
    assert json.loads(arrived.body)["event"] == "session_reconnected"
    assert [session.session_id for session in fleet.sessions(3001)] == [SESSION_ID, OTHER.session_id]
    assert fleet.holders(SESSION_ID) == (3001,)
    kinds = [type(entry) for entry in fleet.journal.entries(after=before)]
    assert kinds[:6] == [
        InstanceStopped,
        SessionReleased,
        SessionReleased,
        InstanceStarted,
        SessionHeld,
        SessionHeld,
    ]
    with Caller(fleet) as new:
        assert new.get(STATUS).status == 200


def test_an_instance_restarted_without_its_sessions_knows_none_and_is_silent(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    assert control_plane.url
    assert fleet.restart(3001, keep_sessions=False) == ()
    assert fleet.holders(SESSION_ID) == ()
    with Caller(fleet) as caller:
        assert caller.get(LIST).json["total"] == 0
    assert not entries(fleet, WebhookSent)


def test_a_reset_fleet_has_neither_faults_nor_sessions(fleet: Fleet) -> None:
    fleet.arm(Hang(), 3001, VERIFICATION)
    fleet.reset()
    with Caller(fleet) as caller:
        assert caller.get(LIST).json["total"] == 0
