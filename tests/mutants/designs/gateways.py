"""Sound gateway instances, each the fake with one difference: what they call themselves, and how they tell it."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace

from fake_instances import fleet
from fake_instances.fleet import Fleet
from fake_instances.sessions import SessionStatus
from fake_instances.webhooks import delivery as delivering
from harness.catalogue.requirements import Profile
from tests.mutants.machinery.gateway_events import (
    LOCATIONS,
    claimed_url,
    events_around,
    every_delivery,
    every_webhook,
)
from tests.mutants.machinery.registry import sound_design

INSTANCE = (Profile.INSTANCE,)
PIECE = 7


@sound_design(profiles=INSTANCE)
def localhost_claimed() -> None:
    """The instance calls its host localhost, as the document does."""
    claimed_url(lambda _self, own: f"http://localhost:{own.rpartition(':')[2]}/")


@sound_design(profiles=INSTANCE)
def ipv6_loopback_claimed() -> None:
    """The instance names itself by the other loopback address."""
    claimed_url(lambda _self, own: f"http://[::1]:{own.rpartition(':')[2]}")


@sound_design(profiles=INSTANCE, target='claims_as = "http://gateway.internal:{port}"\n')
def url_of_the_target_claimed() -> None:
    """The instance has a name in its network, and its target states it."""
    claimed_url(lambda _self, own: f"http://gateway.internal:{own.rpartition(':')[2]}")


@sound_design(profiles=INSTANCE)
def webhooks_in_chunks() -> None:
    """A webhook has no Content-Length; its body comes in small chunks."""
    own = delivering.on_wire

    def chunked(webhook, path, host):
        head, _, body = own(webhook, path, host).partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
        pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in [*pieces, b""])
        return b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", framed])

    delivering.on_wire = chunked


@sound_design(profiles=INSTANCE)
def other_events_around_a_login() -> None:
    """A login is told step by step, and messages go out as soon as it has ended."""
    events_around()


@sound_design(profiles=INSTANCE)
def other_events_between_tries() -> None:
    """Whenever a location webhook is tried again, other events of the session have happened."""

    def sent(delivery, tell):
        again = delivery.again

        def tried(one):
            tell("qr_code_generated")
            tell("message_received")
            return again(one)

        delivery.again = tried

    every_delivery(sent)


@sound_design(profiles=INSTANCE)
def content_type_names_its_charset() -> None:
    """The content type has a parameter."""
    every_webhook(lambda webhook: webhook.with_header("Content-Type", "application/json; charset=utf-8"))


@sound_design(profiles=INSTANCE)
def header_names_in_lower_case() -> None:
    """Header names are written small, as by clients that keep them so."""
    every_webhook(
        lambda webhook: replace(
            webhook, headers=tuple((name.lower(), text) for name, text in webhook.headers)
        )
    )


def _fields_by(change) -> None:
    """Change the details of the events that say where a session lives."""
    own = fleet.fields_of

    def told(session, event, moment):
        fields = own(session, event, moment)
        return {**fields, **change(event)} if event in LOCATIONS else fields

    fleet.fields_of = told


@sound_design(profiles=INSTANCE)
def status_in_its_own_words() -> None:
    """The status of an event is called after the event."""
    _fields_by(lambda event: {"status": event.removeprefix("session_")})


@sound_design(profiles=INSTANCE)
def tries_say_their_own_moment() -> None:
    """A webhook that is tried again says the moment of its try."""
    _fields_by(lambda _event: {"timestamp": f"{time.time():.6f}"})

    def sent(delivery, _tell):
        again = delivery.again

        def tried(one):
            told = json.loads(one.webhook.body)
            told["data"]["timestamp"] = f"{time.time():.6f}"
            return again(one).with_body(json.dumps(told).encode()).signed(os.environ["HMAC_SECRET"])

        delivery.again = tried

    every_delivery(sent)


@sound_design(profiles=INSTANCE)
def reconnects_by_a_new_client() -> None:
    """A session that is told to reconnect gets a new client; only its end is told, a moment later."""

    def reconnected(self, session, on):
        def end():
            threading.Event().wait(0.5)
            self.set_status(session.session_id, SessionStatus.CONNECTED, on)
            self.announce(session, on, "session_ready")

        self.set_status(session.session_id, SessionStatus.AUTHENTICATED, on)
        threading.Thread(target=end, daemon=True).start()

    Fleet.reconnected = reconnected


@sound_design(profiles=INSTANCE)
def reconnects_by_logging_in_anew() -> None:
    """A session that is told to reconnect gets a new client, which logs in and is ready."""

    def reconnected(self, session, on):
        self.set_status(session.session_id, SessionStatus.AUTHENTICATED, on)
        self.announce(session, on, "session_authenticated")
        self.set_status(session.session_id, SessionStatus.CONNECTED, on)
        self.announce(session, on, "session_ready")

    Fleet.reconnected = reconnected
