"""A webhook that went out before, sent once more by somebody who captured it: as it is, or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError
from fake_instances.errors import FaultError
from fake_instances.faults import Alteration
from fake_instances.journal import WebhookSent
from fake_instances.webhooks.retries import PATIENT
from tests.fake_instances.support import PATIENCE, SECRET, SESSION, entries
from tests.fake_instances.webhooks.test_webhooks import SIGNATURE, STAMP, URL, signature_of

if TYPE_CHECKING:
    from fake_instances import Fleet
    from tests.fake_instances.support import ControlPlane, Request

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def first(fleet: Fleet, control_plane: ControlPlane) -> Request:
    """Announce webhook 1, and give it as it arrived."""
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    arrived = control_plane.take()
    assert delivery is not None
    assert delivery.wait(PATIENCE).webhook == 1
    return arrived


def test_a_replay_is_the_same_byte_for_byte(
    fleet: Fleet, control_plane: ControlPlane, first: Request
) -> None:
    fleet.announcer.clock = lambda: 1.0
    delivery = fleet.announcer.replay(1)
    assert control_plane.take() == first
    assert delivery.wait(PATIENCE).status == 200
    original, again = entries(fleet, WebhookSent)
    assert (original.webhook, again.webhook) == (1, delivery.number) == (1, 2)
    assert (again.instance, again.headers, again.body) == (3001, original.headers, original.body)


def test_a_replay_can_claim_another_instance_under_the_old_signature(
    fleet: Fleet, control_plane: ControlPlane, first: Request
) -> None:
    fleet.announcer.replay(1, Alteration(claim=fleet.url(3002)))
    arrived = control_plane.take()
    assert arrived.body == first.body
    changed = [pair for pair in zip(first.pairs, arrived.pairs, strict=True) if pair[0] != pair[1]]
    assert changed == [((URL, fleet.url(3001)), (URL, fleet.url(3002)))]


def test_a_replay_can_be_signed_again_by_one_who_knows_the_secret(
    fleet: Fleet, control_plane: ControlPlane, first: Request
) -> None:
    fleet.announcer.replay(1, Alteration(timestamp="1600000000"))
    arrived = control_plane.take()
    assert arrived.header(STAMP) == "1600000000"
    assert arrived.header(SIGNATURE) == signature_of(SECRET, "1600000000", first.body)


def test_a_replay_can_be_replayed(fleet: Fleet, control_plane: ControlPlane, first: Request) -> None:
    number = fleet.announcer.replay(1, Alteration(without=(STAMP,))).number
    altered = control_plane.take()
    assert altered.names == [name for name in first.names if name != STAMP]
    fleet.announcer.replay(number)
    assert control_plane.take() == altered


def test_a_webhook_that_was_tried_again_is_replayed_as_it_went_out_last(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    fleet.announcer.policy = PATIENT.scaled(0.001)
    fleet.announcer.clock = iter([1_700_000_000, 1_700_000_005]).__next__
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    control_plane.take(BUSY)
    second = control_plane.take()
    assert delivery is not None
    delivery.wait(PATIENCE)
    fleet.announcer.replay(delivery.number)
    assert control_plane.take() == second
    assert second.header(STAMP) == "1700000005"


def test_a_replay_is_never_tried_again(fleet: Fleet, control_plane: ControlPlane, first: Request) -> None:
    assert first
    fleet.announcer.policy = PATIENT.scaled(0.001)
    delivery = fleet.announcer.replay(1)
    control_plane.take(BUSY)
    assert delivery.wait(PATIENCE).status == 503
    assert len(entries(fleet, WebhookSent)) == 2


def test_only_what_went_out_can_be_replayed(fleet: Fleet, control_plane: ControlPlane) -> None:
    with pytest.raises(FleetError, match="no webhook 1 went out; sent so far: none"):
        fleet.announcer.replay(1)
    for _ in range(22):
        fleet.announce(SESSION, 3001, "message_received")
        control_plane.take()
    with pytest.raises(FleetError, match=r"no webhook 99 went out; sent so far: …, 3, 4, 5, .*, 22$"):
        fleet.announcer.replay(99)


def test_a_digit_of_a_signature_that_is_not_there_cannot_be_flipped(
    fleet: Fleet, control_plane: ControlPlane, first: Request
) -> None:
    assert first
    number = fleet.announcer.replay(1, Alteration(without=(SIGNATURE,))).number
    control_plane.take()
    with pytest.raises(FaultError, match="digit -1 cannot be flipped in a signature of 0 digits"):
        fleet.announcer.replay(number, Alteration(flipped_digit=-1))


def test_after_a_reset_nothing_is_left_to_replay_and_no_signature_is_taken(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    fleet.announcer.clock = iter([1_700_000_000, 1_700_000_000]).__next__
    fleet.announce(SESSION, 3001, "session_ready")
    first = control_plane.take()
    fleet.reset()
    with pytest.raises(FleetError, match="no webhook 1 went out; sent so far: none"):
        fleet.announcer.replay(1)
    fleet.announce(SESSION, 3001, "session_ready")
    assert control_plane.take() == first
