"""Known-bad gateway instances that do well by other events what they owe to those that carry a location."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from fake_instances.fleet import Fleet
from fake_instances.sessions import SessionStatus
from fake_instances.webhooks.retries import PATIENT, RetryPolicy
from tests.mutants.defects.gateways import (
    FIVE_HEADERS,
    MOVED,
    NETWORK_BACK,
    OTHER_NAME,
    READY,
    RECONNECTED,
    SIGNED_CONNECT,
    SIGNED_RECONNECT,
    TRIED_AGAIN,
)
from tests.mutants.machinery.gateway_events import LOCATIONS, events_around, every_delivery, every_webhook
from tests.mutants.machinery.registry import mutant, rows


def _locations_by(change) -> None:
    """Send the events of a login too, and change only the webhooks that carry a location."""
    events_around()
    every_webhook(lambda webhook: change(webhook) if webhook.event in LOCATIONS else webhook)


@mutant("INSTANCE-01", FIVE_HEADERS, OTHER_NAME)
def location_only_on_the_qr_code() -> None:
    """The events of a login have X-Instance-Url, and session_ready, which ends it, has not."""
    _locations_by(lambda webhook: webhook.without("X-Instance-Url"))


@mutant("INSTANCE-02", SIGNED_CONNECT, SIGNED_RECONNECT)
def body_of_the_event_before_signed() -> None:
    """The signature is over the first body of a session, whichever goes out."""
    bodies: dict[str, bytes] = {}
    events_around()

    def signed(webhook):
        first = webhook.with_body(bodies.setdefault(webhook.session_id, webhook.body))
        return first.signed(os.environ["HMAC_SECRET"]).with_body(webhook.body)

    every_webhook(signed)


@mutant("INSTANCE-02", SIGNED_CONNECT, SIGNED_RECONNECT)
def only_locations_signed() -> None:
    """Events that carry no location go out unsigned: no control plane takes them."""
    events_around()
    every_webhook(
        lambda webhook: webhook if webhook.event in LOCATIONS else webhook.without("X-HMAC-Signature")
    )


@mutant("INSTANCE-05", RECONNECTED)
def reconnect_announced_by_its_login_alone() -> None:
    """A session that reconnects is authenticated again, and nothing more is told."""
    events_around()
    Fleet.reconnected = lambda self, session, on: self.announce(session, on, "session_authenticated")


@mutant("INSTANCE-05", RECONNECTED)
def ready_before_the_new_login_has_ended() -> None:
    """A reconnect logs in anew, and is called ready when it is only authenticated."""

    def reconnected(self, session, on):
        self.set_status(session.session_id, SessionStatus.AUTHENTICATED, on)
        for event in ("session_authenticated", "session_ready"):
            delivery = self.announce(session, on, event)
            if delivery is not None:
                delivery.wait()
        self.set_status(session.session_id, SessionStatus.CONNECTED, on)

    Fleet.reconnected = reconnected


@mutant("INSTANCE-05", READY, RECONNECTED)
def first_workspace_announced() -> None:
    """Every event is told of the same workspace."""
    announce = Fleet.announce
    Fleet.announce = lambda self, session, on, event: announce(
        self, replace(session, workspace_id=1), on, event
    )


def _locations_given_up(then) -> None:
    """Try locations again only after a 429, as any webhook; `then` is done at any other failure."""

    def sent(delivery, tell):
        class Policy(RetryPolicy):
            def wait(self, attempt, outcome):
                return RetryPolicy.wait(self, attempt, outcome) if outcome == 429 else then(tell)

        delivery.policy = Policy("patient", PATIENT.rules, delivery.policy.scale)

    every_delivery(sent)


@mutant("INSTANCE-06", *rows(TRIED_AGAIN, "500", "503"), NETWORK_BACK)
def only_the_qr_code_tried_again() -> None:
    """Somebody waits for the QR code, so that is sent again; the location is sent once."""
    events_around()
    _locations_given_up(lambda _tell: None)


@mutant("INSTANCE-06", *rows(TRIED_AGAIN, "500", "503"), NETWORK_BACK)
def next_event_ends_the_tries() -> None:
    """The next event of a session takes the place of the location that did not get through."""

    def replaced(tell) -> None:
        tell("message_received")

    _locations_given_up(replaced)


@mutant("INSTANCE-07", MOVED)
def new_url_only_on_the_qr_code() -> None:
    """After a restart the events of a login have the new URL, and session_ready has the one of the first start."""
    kept = Path(os.environ["DATA"], "url")

    def first(webhook):
        if not kept.exists():
            kept.write_text(webhook.header("X-Instance-Url"), "utf-8")
        return webhook.with_header("X-Instance-Url", kept.read_text("utf-8"))

    _locations_by(first)


@mutant("INSTANCE-07", MOVED)
def port_of_the_first_start_kept() -> None:
    """The instance knows that it is on localhost, and keeps the port of its first start."""
    kept = Path(os.environ["DATA"], "port")

    def first(webhook):
        port = webhook.header("X-Instance-Url").rpartition(":")[2]
        if not kept.exists():
            kept.write_text(port, "utf-8")
        return webhook.with_header("X-Instance-Url", f"http://localhost:{kept.read_text('utf-8')}")

    _locations_by(first)
