"""Mistakes in what a webhook is believed, where requests go, and what is logged."""

from __future__ import annotations

import json
import re
import threading
import time
from datetime import UTC, datetime

import aiohttp

from reference_impl.edges.answers import Holding
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.log import EventLog
from reference_impl.edges.signature import Authenticator, sign
from reference_impl.fix import locations, sender
from reference_impl.fix.locations import LocationSync, SeenSignatures
from reference_impl.fix.sender import Sender
from reference_impl.fix.webhooks import Event, WebhookReceiver
from reference_impl.settings import Settings, without_trailing_slash
from tests.mutants.machinery.patching import around, around_webhooks
from tests.mutants.machinery.registry import mutant, rows

FUTURE = "A timestamp further ahead than the window is refused"
NO_NUMBER = "A timestamp that is no number is refused, however well it is signed"
SHAPES = "A signed body of another shape is refused in good order"
REPLAY = (
    "A captured announcement with another location moves nothing while the session is where it was announced"
)
SECRETS_DEPLOYED = "No secret appears where only calls with the key tell which sessions there are"
SECRETS = "No secret and no signature appears in what is logged, answered or counted"
OUTSIDE = "A location outside the configured instances is not stored"
OUTSIDE_AGAIN = "A captured webhook that comes again with a location outside is not believed either"
STRANGER = "A signed webhook that names a stranger gets it neither the message nor a key"
STRANGER_ROW = "A row that names a stranger gets it neither the message nor a key"
STRANGER_AGAIN = "A captured webhook that comes again for a stranger gets it nothing"
TO_HOLDER = "The next message goes to the holder, whatever a webhook named"
TO_HOLDER_AGAIN = "The next message goes to the holder, whatever a captured webhook names the second time"
WITHOUT_SESSION = "A location without the session is not stored"
WITHOUT_SESSION_AGAIN = "A captured webhook that names an instance without the session is not stored"
REDIRECTED = "An instance that redirects elsewhere when asked is not followed there"
REDIRECTED_MESSAGE = "An instance that redirects the message is not followed outside"
HALF = "What else a webhook with a bad location says is written, or the whole webhook is refused"


def timestamps_read(read) -> None:
    """Change how the text of a timestamp is read; the signature is over the text as it was sent."""

    @around(Authenticator, "timestamp_of")
    def judged(timestamp_of, self, signature, timestamp, body, *now):
        text = read(self, timestamp or "")
        if text != timestamp:
            # Judged as if it had been signed with the text that was read.
            expected = sign(self.secret, timestamp or "", body)
            signature = sign(self.secret, text, body) if signature == expected else signature
        return timestamp_of(self, signature, text, body, *now)


def claims_judged(judge) -> None:
    """Judge locations by their text, whether it is a replay, and the reference's own judgement."""

    @around(LocationSync, "_judge")
    def judged(own, self, account, delivery, *, replayed, late):
        return judge(
            delivery.location or "",
            replayed,
            lambda: own(self, account, delivery, replayed=replayed, late=late),
        )


def stored_where(matches) -> None:
    """Store a location as it was sent where it matches a configured instance."""

    @around(LocationSync, "_judge")
    def judged(own, self, account, delivery, **how):
        claim = delivery.location or ""
        if any(matches(claim, base) for base in self.parts.settings.node_instances):
            return claim, None
        return own(self, account, delivery, **how)


@mutant("AUTH-05", FUTURE)
def the_window_is_open_ahead() -> None:
    """Timestamps in the future are never refused."""
    timestamps_read(lambda _self, text: str(min(int(text), int(time.time()))) if text.isdecimal() else text)


@mutant("AUTH-05", *rows(FUTURE, "330"))
def the_window_is_twice_as_long_ahead() -> None:
    """A clock may be ahead by twice the window."""

    def read(self, text):
        now = int(time.time())
        ahead = int(text) - now if text.isdecimal() else 0
        return str(now) if 0 < ahead < 2 * self.time_to_live else text

    timestamps_read(read)


@mutant("AUTH-06", *rows(NO_NUMBER, "empty"))
def an_empty_timestamp_is_now() -> None:
    """An empty timestamp counts as now."""
    timestamps_read(lambda _self, text: text or str(int(time.time())))


@mutant("AUTH-06", *rows(NO_NUMBER, "a word", "1e3", "now and a letter"))
def an_odd_timestamp_is_now() -> None:
    """A timestamp that cannot be read counts as now."""
    timestamps_read(lambda _self, text: text if not text or text.isdecimal() else str(int(time.time())))


@mutant("AUTH-06", *rows(NO_NUMBER, "now and a letter"))
def leading_digits_make_a_timestamp() -> None:
    """Only the leading digits of a timestamp are read."""

    def read(_self, text):
        digits = re.match(r"\d+", text)
        return digits[0] if digits else text

    timestamps_read(read)


@mutant("AUTH-06", *rows(NO_NUMBER, "huge"), crashes=True)
def timestamps_become_dates() -> None:
    """A timestamp is converted to a date, which fails for some numbers."""

    def read(_self, text):
        if text.isdecimal():
            datetime.fromtimestamp(int(text), UTC)
        return text

    timestamps_read(read)


@mutant("AUTH-07", SHAPES, crashes=True)
def bodies_are_taken_as_they_should_be() -> None:
    """The shape of a body is not checked."""

    def parse(cls, body):
        given = json.loads(body)
        data = given["data"]
        return cls(given["event"], int(data["workspace_id"]), data["session_id"], data.get("phone_number"))

    Event.parse = classmethod(parse)


@mutant("AUTH-07", *rows(SHAPES, "a list", "data that is a list", "data that is text"))
def wrapped_bodies_are_unwrapped() -> None:
    """An object in a list or in a text is unwrapped."""
    parse = Event.parse.__func__

    def unwrapped(value):
        value = value[0] if isinstance(value, list) and value else value
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value

    def parsed(cls, body):
        try:
            given = unwrapped(json.loads(body))
        except ValueError:
            return parse(cls, body)
        if isinstance(given, dict) and "data" in given:
            given["data"] = unwrapped(given["data"])
        return parse(cls, json.dumps(given).encode())

    Event.parse = classmethod(parsed)


@mutant("AUTH-09", REPLAY)
def signatures_are_not_remembered() -> None:
    """Signatures are not remembered."""
    SeenSignatures.add = lambda _self, _signature: True


@mutant("AUTH-11", SECRETS, SECRETS_DEPLOYED)
def headers_of_refused_webhooks_are_logged() -> None:
    """The log quotes the headers of every webhook, including its signature."""

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        self.parts.log.info("Webhook received", headers=dict(headers))
        return receive(self, headers, body)


@mutant("AUTH-11", SECRETS, SECRETS_DEPLOYED)
def messages_are_logged_as_posted() -> None:
    """The log quotes what is posted to an instance, including its key."""
    EventLog._safe = lambda _self, value: value

    @around(Sender, "send")
    def sent(send, self, account_id, message):
        self.parts.log.info("Sending", message=message.text, api_key=self.parts.settings.api_key)
        return send(self, account_id, message)


@mutant("SPOOF-01", OUTSIDE, OUTSIDE_AGAIN)
def any_claim_is_stored() -> None:
    """Every location is stored as it was sent."""
    claims_judged(lambda claim, _replayed, _own: (claim, None))


@mutant(
    "SPOOF-01",
    *rows(
        OUTSIDE,
        "a host after the instance's",
        "a port that begins like its port",
        "its URL with a path",
        "its URL with a query",
        "its URL with a fragment",
        "its URL and an encoded line end",
        "10,000 characters",
        "two locations, the evil one last",
    ),
)
def a_prefix_makes_an_instance() -> None:
    """A location is stored when it begins like a configured instance."""
    stored_where(str.startswith)


def believe_every_url() -> None:
    """Take every URL for an instance."""
    Settings.configured = lambda _self, url: None if url is None else without_trailing_slash(url)
    InstanceClient._url = lambda _self, base, target: base + target


@mutant("SPOOF-02", STRANGER, STRANGER_ROW)
def every_url_is_an_instance() -> None:
    """Every URL that is stored or stated by a webhook is asked and sent to."""
    believe_every_url()


@mutant("SPOOF-02", STRANGER, STRANGER_ROW, STRANGER_AGAIN)
def every_url_is_an_instance_when_seen_before() -> None:
    """Every URL counts as an instance, and a webhook that was seen before is believed unasked."""
    believe_every_url()
    claims_judged(lambda claim, replayed, own: (claim, None) if replayed else own())


@mutant("SPOOF-03", TO_HOLDER, TO_HOLDER_AGAIN)
def claims_are_believed_and_sends_do_not_look() -> None:
    """A location is stored unasked, and a send posts once, to wherever the row says."""
    locations.is_believed = lambda *_known, **_doubtful: True
    Sender._verify = lambda _self, _account, assigned, _trip: (
        Holding.ABSENT if assigned is None else Holding.HELD
    )
    sender._may_try_again = lambda _outcome, _base, _trip: False


@mutant("SPOOF-04", WITHOUT_SESSION, WITHOUT_SESSION_AGAIN)
def claims_are_believed_unasked() -> None:
    """Every configured instance is believed to hold the session."""
    locations.is_believed = lambda *_known, **_doubtful: True


@mutant("SPOOF-04", WITHOUT_SESSION, WITHOUT_SESSION_AGAIN, asynchronous=True)
def claims_are_believed_unasked_and_later() -> None:
    """Every configured instance is believed to hold the session, a little after the answer to the webhook."""
    locations.is_believed = lambda *_known, **_doubtful: True

    def act(_parts, _account, _delivery, apply):
        threading.Timer(0.2, apply).start()
        return True

    around_webhooks(act)


@mutant("SPOOF-05", OUTSIDE_AGAIN)
def what_was_seen_is_trusted() -> None:
    """A webhook whose signature was seen before is believed unasked."""
    claims_judged(lambda claim, replayed, own: (claim, None) if replayed else own())


@mutant("SPOOF-06", REDIRECTED, REDIRECTED_MESSAGE)
def redirects_are_followed() -> None:
    """Redirects are followed, as is the library's default."""
    _redirects_followed(lambda _method: True)


@mutant("SPOOF-07", HALF)
def a_bad_claim_spoils_the_phone_number() -> None:
    """Of a webhook with a bad location only the status is written."""
    changes = Event.changes

    def changed(self):
        return {name: value for name, value in changes(self).items() if name != "phone_number"}

    @around(LocationSync, "_apply_location")
    def applied(own, self, account, delivery, *, replayed):
        Event.changes = changes if self.parts.settings.configured(delivery.location) else changed
        return own(self, account, delivery, replayed=replayed)


@mutant("SPOOF-07", HALF, crashes=True)
def a_bad_claim_crashes_behind_the_write() -> None:
    """A bad location crashes the webhook after status and phone number are written."""

    @around(LocationSync, "_apply_location")
    def applied(own, self, account, delivery, *, replayed):
        done = own(self, account, delivery, replayed=replayed)
        if delivery.location is not None and self.parts.settings.configured(delivery.location) is None:
            raise LookupError(delivery.location)
        return done


@mutant("SPOOF-06", REDIRECTED)
def redirected_questions_followed() -> None:
    """Questions follow redirects; messages do not."""
    _redirects_followed(lambda method: method == "GET")


@mutant("SPOOF-06", REDIRECTED_MESSAGE)
def redirected_messages_followed() -> None:
    """Messages follow redirects; questions do not."""
    _redirects_followed(lambda method: method == "POST")


def _redirects_followed(where) -> None:
    request = aiohttp.ClientSession._request

    async def requested(self, method, url, **more):
        followed = where(method) or more.get("allow_redirects", True)
        return await request(self, method, url, **{**more, "allow_redirects": followed})

    aiohttp.ClientSession._request = requested
