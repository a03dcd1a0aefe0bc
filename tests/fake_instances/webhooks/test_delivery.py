"""How a webhook goes out, what is recorded of it, and how it ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError
from fake_instances.journal import WebhookAnswered, WebhookSent
from fake_instances.webhooks import delivery as deliveries
from fake_instances.webhooks.message import PATH
from tests.fake_instances.support import PATIENCE, SESSION, SESSION_ID, entries

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.webhooks.message import Webhook
    from tests.fake_instances.support import ControlPlane


@pytest.fixture
def ready(fleet: Fleet) -> Webhook:
    return fleet.webhook(SESSION, 3001, "session_ready")


def test_the_journal_has_a_webhook_before_it_goes_out_and_its_answer(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    delivery = fleet.send(ready)
    arrived = control_plane.take(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
    answered = delivery.wait(PATIENCE)
    assert (answered.status, answered.reason, answered.body) == (401, None, b"no")
    (sent,) = entries(fleet, WebhookSent)
    assert entries(fleet, WebhookAnswered) == [answered]
    assert sent.sequence < answered.sequence
    assert sent.webhook == answered.webhook == delivery.number
    assert list(sent.headers) == arrived.pairs[:6]
    assert (sent.body, sent.event, sent.session_id) == (arrived.body, "session_ready", SESSION_ID)
    fleet.send(ready)
    assert control_plane.take() == arrived


@pytest.mark.parametrize(
    ("suffix", "path"), [("", PATH), ("/", PATH), (PATH, PATH), ("/hooks/own/", "/hooks/own/")]
)
def test_a_webhook_goes_to_the_control_plane_s_path_or_to_its_own(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook, suffix: str, path: str
) -> None:
    fleet.control_plane = control_plane.url + suffix
    fleet.send(ready)
    assert control_plane.take().first == f"POST {path} HTTP/1.1"


def test_without_a_control_plane_nothing_can_be_sent(fleet: Fleet, ready: Webhook) -> None:
    with pytest.raises(FleetError, match="before its `control_plane` is set"):
        fleet.send(ready)


# How one ends


def test_of_a_long_answer_the_beginning_is_kept(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    delivery, longer = fleet.send(ready), b"x" * (deliveries.LONGEST_KEPT + 1)
    control_plane.take(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(longer), longer))
    assert delivery.wait(PATIENCE).body == longer[:-1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "ConnectionRefusedError"),
        (b"", "RemoteDisconnected"),
        (b"nonsense\r\n\r\n", "BadStatusLine"),
        ("http://127.0.0.1:many", "ValueError: Port could not be cast"),
    ],
    ids=["refused", "closed", "nonsense", "no address"],
)
def test_a_webhook_that_gets_no_answer_is_recorded_with_the_reason(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook, answer: bytes | str | None, reason: str
) -> None:
    if answer is None:
        control_plane.close()
    elif isinstance(answer, str):
        fleet.control_plane = answer
    delivery = fleet.send(ready)
    if isinstance(answer, bytes):
        control_plane.take(answer)
    answered = delivery.wait(PATIENCE)
    assert answered.status is None
    assert (answered.reason or "").startswith(reason)
    assert entries(fleet, WebhookAnswered) == [answered]


def test_waiting_for_a_webhook_has_an_end(fleet: Fleet, control_plane: ControlPlane, ready: Webhook) -> None:
    delivery = fleet.send(ready)
    sentence = r"webhook session_ready was neither answered nor given up in 0.01 s"
    with pytest.raises(TimeoutError, match=sentence):
        delivery.wait(0.01)
    control_plane.take()
    assert delivery.wait(PATIENCE).status == 200


def test_a_fleet_that_stops_gives_up_what_nobody_answers(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    assert control_plane.url
    delivery = fleet.send(ready)
    fleet.stop()
    assert delivery.wait(PATIENCE).status is None
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("webhook ")]
