"""Known-bad gateway instances, each the fake with one mistake: what they announce."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from flask import request

from fake_instances import fleet
from fake_instances.fleet import Fleet
from fake_instances.routes import app
from fake_instances.sessions import SessionStatus
from fake_instances.webhooks import announcer, message, retries
from fake_instances.webhooks.retries import PATIENT, Failure, RetryPolicy
from tests.mutants.machinery.gateway_events import claimed_url, every_webhook
from tests.mutants.machinery.registry import mutant, rows

FIVE_HEADERS = "A webhook carries the five headers and the URL of its sender"
OTHER_NAME = "An instance that is called by another name still names its own URL"
SIGNED_CONNECT = "The webhook of a session that connects is signed as it is sent"
SIGNED_RECONNECT = "The webhook of a session that reconnects is signed as it is sent"
READY = "A session that connects is announced by session_ready"
RECONNECTED = "A session that reconnects is announced by session_reconnected"
TRIED_AGAIN = "A webhook that the control plane cannot take now is tried again"
NETWORK_BACK = "A webhook that the network refuses arrives when the network is back"
TRIED_ONCE = "A webhook that is answered 401 is tried once"
MOVED = "A session on an instance that has moved is announced with the new URL"


def _retries_by(policy) -> None:
    """Replace the patient retry policy."""
    retries.POLICIES["patient"] = policy


@mutant("INSTANCE-01", OTHER_NAME)
def url_from_the_host_header() -> None:
    """The instance takes its own name from the Host header of its callers."""
    view, called = app.view, threading.local()

    def viewing(*given, **names):
        called.url = request.host_url.rstrip("/")
        try:
            return view(*given, **names)
        finally:
            del called.url

    app.view = viewing
    claimed_url(lambda _self, own: getattr(called, "url", own))


@mutant("INSTANCE-01", FIVE_HEADERS, OTHER_NAME)
def default_port_claimed() -> None:
    """The URL has the default port, whatever port the instance listens on."""
    claimed_url(lambda _self, own: own.rpartition(":")[0] + ":3001")


@mutant("INSTANCE-01", FIVE_HEADERS, OTHER_NAME)
def name_of_the_machine_claimed() -> None:
    """The URL has the right port, and a host name of which nobody was told."""
    claimed_url(lambda _self, own: f"http://gateway.internal:{own.rpartition(':')[2]}")


@mutant("INSTANCE-01", FIVE_HEADERS, OTHER_NAME)
def every_address_claimed() -> None:
    """The URL has the address on which the instance was told to listen: every one, which is none to call."""
    claimed_url(lambda _self, own: f"http://0.0.0.0:{own.rpartition(':')[2]}")


@mutant("INSTANCE-01", FIVE_HEADERS, OTHER_NAME)
def another_scheme_claimed() -> None:
    """The URL has the scheme by which the instance is reached from outside."""
    claimed_url(lambda _self, own: own.replace("http://", "https://"))


@mutant("INSTANCE-01", FIVE_HEADERS, OTHER_NAME)
def route_claimed() -> None:
    """The URL is that of a route, and not the base of all."""
    claimed_url(lambda _self, own: f"{own}/api")


@mutant("INSTANCE-01", FIVE_HEADERS)
def body_called_a_form() -> None:
    """The content type is that of a form, which the client library sets by itself."""
    every_webhook(
        lambda webhook: webhook.with_header(
            "Content-Type", "application/x-www-form-urlencoded; charset=utf-8"
        )
    )


@mutant("INSTANCE-01", FIVE_HEADERS)
def user_agent_of_the_library() -> None:
    """The webhook has the client library's own User-Agent."""
    every_webhook(lambda webhook: webhook.with_header("User-Agent", "axios/1.6.2"))


@mutant("INSTANCE-01", FIVE_HEADERS)
def timestamp_in_milliseconds() -> None:
    """The timestamp is in milliseconds, and signed so."""
    build = fleet.build
    fleet.build = lambda **parts: build(**{**parts, "timestamp": parts["timestamp"] + "000"})


@mutant("INSTANCE-01", FIVE_HEADERS)
def timestamp_as_a_date() -> None:
    """The timestamp is a date in words of ISO 8601, and signed so."""
    build = fleet.build

    def dated(**parts):
        moment = datetime.fromtimestamp(int(parts["timestamp"]), UTC)
        return build(**{**parts, "timestamp": moment.isoformat()})

    fleet.build = dated


@mutant("INSTANCE-01", FIVE_HEADERS, OTHER_NAME)
def location_left_out() -> None:
    """The webhook lacks X-Instance-Url."""
    every_webhook(lambda webhook: webhook.without("X-Instance-Url"))


@mutant("INSTANCE-02", SIGNED_CONNECT, SIGNED_RECONNECT)
def webhook_signed_over_reserialised_json() -> None:
    """The signature is over another serialisation than the one that is sent."""
    sign = message.sign
    message.sign = lambda secret, stamp, body: sign(secret, stamp, json.dumps(json.loads(body)).encode())


@mutant("INSTANCE-02", SIGNED_CONNECT, SIGNED_RECONNECT)
def signature_over_the_body_alone() -> None:
    """The timestamp is not signed."""
    message.sign = lambda secret, _stamp, body: hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@mutant("INSTANCE-02", SIGNED_CONNECT, SIGNED_RECONNECT)
def signature_with_a_prefix() -> None:
    """The signature has the name of its algorithm before it."""
    sign = message.sign
    message.sign = lambda *given: f"sha256={sign(*given)}"


@mutant("INSTANCE-02", SIGNED_CONNECT, SIGNED_RECONNECT)
def signature_in_base64() -> None:
    """The signature is the digest in Base64."""
    sign = message.sign
    message.sign = lambda *given: base64.b64encode(bytes.fromhex(sign(*given))).decode()


@mutant("INSTANCE-02", SIGNED_RECONNECT)
def reconnect_signed_with_the_api_key() -> None:
    """A reconnect is signed with another secret."""

    def resigned(webhook):
        wrong = webhook.event == "session_reconnected"
        return webhook.signed(os.environ["API_KEY"]) if wrong else webhook

    every_webhook(resigned)


@mutant("INSTANCE-05", RECONNECTED)
def reconnect_not_announced() -> None:
    """A session that reconnects is not announced."""
    Fleet.reconnected = lambda _self, _session, _on: None


def _announced_as(change) -> None:
    announce = Fleet.announce
    Fleet.announce = lambda self, session, on, event: announce(self, session, on, change(event))


@mutant("INSTANCE-05", RECONNECTED)
def reconnect_announced_as_ready() -> None:
    """A reconnect is announced like a first connection."""
    _announced_as(lambda _event: "session_ready")


@mutant("INSTANCE-05", READY)
def connection_announced_as_reconnect() -> None:
    """A first connection is announced like a reconnect, without the phone number."""
    _announced_as(lambda _event: "session_reconnected")


@mutant("INSTANCE-05", READY)
def ready_without_the_phone_number() -> None:
    """session_ready goes out before the phone number is known, and lacks it."""
    fields_of = fleet.fields_of
    fleet.fields_of = lambda *given: {**fields_of(*given), "phone_number": None}


@mutant("INSTANCE-05", READY)
def announced_before_it_is_connected() -> None:
    """A session is announced as soon as it is authenticated, and connects a little later."""

    def connect(self, session, on):
        self.hold(replace(session, status=SessionStatus.AUTHENTICATED), on)
        delivery = self.announce(session, on, "session_ready")
        if delivery is not None:
            delivery.wait()
        self.hold(session, on)
        return delivery

    Fleet.connect = connect


@mutant("INSTANCE-05", RECONNECTED)
def announced_before_it_has_reconnected() -> None:
    """A session that reconnects is announced while it is still disconnected."""

    def reconnected(self, session, on):
        self.set_status(session.session_id, SessionStatus.DISCONNECTED, on)
        delivery = self.announce(session, on, "session_reconnected")
        if delivery is not None:
            delivery.wait()
        self.set_status(session.session_id, SessionStatus.CONNECTED, on)

    Fleet.reconnected = reconnected


@mutant("INSTANCE-06", TRIED_AGAIN)
def waits_that_do_not_grow() -> None:
    """Every wait between tries is as long as the first."""
    # Long enough that a first try which arrives late, on a busy machine, does not make them look as if they grew.
    _retries_by(RetryPolicy("patient", tuple((ends, (2.5,) * 5) for ends, _ in PATIENT.rules)))


@mutant("INSTANCE-06", *rows(TRIED_AGAIN, "500", "503"))
def server_errors_given_up() -> None:
    """A webhook answered 500 or 503 is given up, as by the deployed notifier: the location is lost."""
    _retries_by(replace(retries.DEPLOYED, name="patient"))


@mutant("INSTANCE-06", *rows(TRIED_AGAIN, "500", "503"))
def given_up_after_two_tries() -> None:
    """A webhook answered by a server's error is tried once more, and then its location is lost."""
    errors = frozenset({500, 503})
    _retries_by(RetryPolicy("patient", ((errors, PATIENT.rules[0][1][:1]), *PATIENT.rules)))


@mutant("INSTANCE-06", NETWORK_BACK)
def refused_connections_given_up() -> None:
    """A webhook that cannot be delivered at all is given up."""
    _retries_by(
        RetryPolicy("patient", tuple((ends - {Failure.REFUSED}, waits) for ends, waits in PATIENT.rules))
    )


@mutant("INSTANCE-06", TRIED_ONCE)
def refused_signatures_tried_again() -> None:
    """Every webhook that is not accepted is tried again, even after a 401."""
    _retries_by(RetryPolicy("patient", tuple((ends | {401}, waits) for ends, waits in PATIENT.rules)))


@mutant("INSTANCE-06", TRIED_AGAIN)
def tried_again_unsigned() -> None:
    """From the second try on, the headers lack the signature."""
    prepare = announcer.Notifier.prepare

    def prepared(self, delivery):
        if (again := delivery.again) is not None:
            delivery.again = lambda one: again(one).without("X-HMAC-Signature")
        return prepare(self, delivery)

    announcer.Notifier.prepare = prepared


@mutant("INSTANCE-07", MOVED)
def first_url_kept() -> None:
    """The URL is stored at the first start and never updated."""
    kept = Path(os.environ["DATA"], "url")

    def claimed(_self, own):
        if not kept.exists():
            kept.write_text(own, "utf-8")
        return kept.read_text("utf-8")

    claimed_url(claimed)
