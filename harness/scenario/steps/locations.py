"""Phrases about the locations that webhooks name, and what never reaches strangers (contract, sections 3 to 5)."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING

from pytest_bdd import then

from fake_instances.addresses import DOCUMENT_PORTS, LOCALHOST, address_of
from fake_instances.faults import VERIFICATION, Endpoint, Redirect
from fake_instances.journal import WebhookAnswered, WebhookSent
from harness.checks import security, webhooks
from harness.errors import NotJudgedError
from harness.history import OperatorAsked, UserAnswered, UserSends
from harness.scenario import operator
from harness.scenario.actions import action
from harness.scenario.client import NEW_PHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.webhooks.message import Webhook
    from harness.scenario.world import World

_MEBIBYTE = 1024 * 1024
_FAR = 64 * 1024
"""Bytes by which a body is over the limit."""
_NEAR = 4 * 1024
"""Bytes by which it is under it: what chunks add may be counted too."""
_CHUNK = 64 * 1024
_FRAMINGS = ("declared", "chunked")
_LONG = ("session_ready", "session_reconnected", "message_received")
_TEN_THOUSAND = 10_000
_EVIL = "http://evil.example:3002"
_EVENT = 'Instance sync successful! Database updated {"session_id":"x","old_url":"y","new_url":"z"}'


def _host_and_port(url: str) -> tuple[str, str]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, port


def _by_another_name(url: str) -> str:
    host, port = _host_and_port(url)
    return f"http://{'127.0.0.1' if host == LOCALHOST else LOCALHOST}:{port}"


def _as_ipv6(url: str) -> str:
    host, port = _host_and_port(url)
    spelled = "0:0:0:0:0:0:0:1" if ":" in host else f"::ffff:{address_of(host)}"
    return f"http://[{spelled}]:{port}"


def _as_number(url: str) -> str:
    host, port = _host_and_port(url)
    parts = [int(part) for part in host.split(".")] if host.replace(".", "").isdecimal() else [127, 0, 0, 1]
    return f"http://{sum(part << 8 * (3 - place) for place, part in enumerate(parts))}:{port}"


_LOCATIONS: dict[str, Callable[[str], str]] = {
    "another host": lambda url: f"http://evil.example:{_host_and_port(url)[1]}",
    "another port": lambda url: f"http://{_host_and_port(url)[0]}:3999",
    "a host after the instance's": lambda url: f"{url}@evil.example",
    "a port that begins like its port": lambda url: f"{url}0",
    "its URL over https": lambda url: url.replace("http:", "https:", 1),
    "its URL with a user": lambda url: url.replace("http://", "http://user:word@", 1),
    "its URL with a path": lambda url: f"{url}/health",
    "its URL with a query": lambda url: f"{url}?to=evil.example",
    "its URL with a fragment": lambda url: f"{url}#evil.example",
    "its address by another name": _by_another_name,
    "its address as an IPv6 one": _as_ipv6,
    "its address as one number": _as_number,
    "its URL and an encoded line end": lambda url: f"{url}%0d%0aX-Evil:1",
    "a script": lambda _url: "javascript:alert(3002)",
    "a file": lambda _url: "file:///etc/passwd",
    "10,000 characters": lambda url: f"{url}/".ljust(_TEN_THOUSAND, "a"),
    "another event's text": lambda _url: f"http://evil.example/ {_EVENT}",
    "its URL with a user and a query": lambda url: url.replace("http://", "http://user:word@", 1) + "/a?k=v",
    "an encoded line end and a text": lambda _url: f"http://evil.example/%0a{_EVENT}\\n{_EVENT}",
}
_PAIRS: dict[str, Callable[[Webhook], Webhook]] = {
    "two locations, one of them evil": lambda webhook: webhook.with_header(
        "X-Instance-Url", _EVIL
    ).with_second("X-Instance-Url", webhook.header("X-Instance-Url") or ""),
    "two locations, the evil one last": lambda webhook: webhook.with_second("X-Instance-Url", _EVIL),
}
_NAMED = (*_LOCATIONS, *_PAIRS, "the stranger", *(f"instance {port}" for port in DOCUMENT_PORTS))
_TIMESTAMPS: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "a word": lambda: "abc",
    "1e3": lambda: "1e3",
    "now and a letter": lambda: f"{int(time.time())}x",
    "huge": lambda: "9" * 40,
    "now in Arabic digits": lambda: str(int(time.time())).translate(_digits_from(0x0660)),
    "now in digits of full width": lambda: str(int(time.time())).translate(_digits_from(0xFF10)),
    "now behind a blank that is none": lambda: f"\xa0{int(time.time())}",
    "now and an accent": lambda: f"{int(time.time())}é",
    "superscript digits": lambda: "¹²³²¹³¹²²¹",
}


def _digits_from(zero: int) -> dict[int, int]:
    return {ord("0") + digit: zero + digit for digit in range(10)}


_REDIRECTED: dict[str, tuple[str, frozenset[Endpoint]]] = {
    "every question": ("/health/detailed", VERIFICATION),
    "the message": ("/api/messages/send", frozenset({Endpoint.SEND})),
}


def _ready(data: object) -> bytes:
    return json.dumps({"event": "session_ready", "data": data}).encode()


_BODIES: dict[str, Callable[[dict[str, object]], bytes]] = {
    "no JSON at all": lambda _data: b"session_ready",
    "nothing": lambda _data: b"",
    "a list": lambda data: json.dumps([{"event": "session_ready", "data": data}]).encode(),
    "null": lambda _data: b"null",
    "a number": lambda _data: b"142",
    "no data": lambda _data: b'{"event":"session_ready"}',
    "data that is null": lambda _data: b'{"event":"session_ready","data":null}',
    "data that is text": lambda data: _ready(json.dumps(data)),
    "data that is a list": lambda data: _ready([data]),
}


# What is sent


def _genuine(world: World) -> Webhook:
    fields = {"phone_number": NEW_PHONE, "status": "connected", "platform": "android"}
    return world.fleet.webhook(world.account.session, world.holder, "session_ready", fields=fields)


def _naming(world: World, webhook: Webhook, location: str) -> Webhook:
    if location in _PAIRS:
        return _PAIRS[location](webhook)
    if location == "the stranger":
        return webhook.with_header("X-Instance-Url", world.stranger.url)
    number = location.removeprefix("instance ")
    text = (
        world.fleet.url(int(number))
        if number != location
        else _LOCATIONS[location](world.fleet.url(webhook.instance))
    )
    return webhook.with_header("X-Instance-Url", text)


@action("instance {number} announces session_ready at a moment that is {text}", text=_TIMESTAMPS)
def announces_at(world: World, number: int, text: str) -> None:
    """Send a webhook whose timestamp is any text, correctly signed over it."""
    genuine = world.fleet.webhook(world.account.session, number, "session_ready")
    world.deliver(genuine.signed(world.fleet.secret, _TIMESTAMPS[text]()))


@action("instance {number} announces {body}, correctly signed", body=_BODIES)
def announces_body(world: World, number: int, body: str) -> None:
    """Send any body, correctly signed."""
    genuine = world.fleet.webhook(world.account.session, number, "session_ready")
    data = json.loads(genuine.body)["data"]
    world.deliver(genuine.with_body(_BODIES[body](data)).signed(world.fleet.secret))


@action(
    "instance {number} announces {event} in a {framing} body over the limit", event=_LONG, framing=_FRAMINGS
)
def announces_too_much(world: World, number: int, event: str, framing: str) -> None:
    """Send a genuine webhook that is longer than a location webhook may be."""
    world.deliver(_long(world, number, event, framing, world.implementation.target.max_body + _FAR))


@action("instance {number} announces session_ready in a {framing} body of almost 1 MiB", framing=_FRAMINGS)
def announces_much(world: World, number: int, framing: str) -> None:
    """Send a genuine webhook that is a little shorter than every implementation must take."""
    world.deliver(_long(world, number, "session_ready", framing, _MEBIBYTE - _NEAR))


def _long(world: World, number: int, event: str, framing: str, length: int) -> Webhook:
    genuine = world.fleet.webhook(world.account.session, number, event)
    value = json.loads(genuine.body)
    value["data"]["note"] = "x" * (length - len(genuine.body))
    webhook = genuine.with_body(json.dumps(value).encode()).signed(world.fleet.secret)
    return webhook.in_chunks(_CHUNK) if framing == "chunked" else webhook


@action(
    "the very same webhook arrives again and names {location}",
    given="the very same webhook has arrived again and named {location}",
    location=_NAMED,
)
def again_from(world: World, location: str) -> None:
    """Send the last webhook once more, with another location."""
    world.deliver(_naming(world, world.webhook, location))


@action(
    "a signed session_ready names {location}",
    given="a signed session_ready has named {location}",
    also=["a signed session_ready with a new phone number names {location}"],
    location=_NAMED,
)
def names_location(world: World, location: str) -> None:
    """Send a webhook of the session, with a new phone number, that names another location."""
    world.deliver(_naming(world, _genuine(world), location))


@action(
    "instance {number} redirects {what} to a stranger with status {status}{optional}",
    what=_REDIRECTED,
    optional=("", ", if it comes"),
)
def redirects(world: World, number: int, what: str, status: int, optional: str) -> None:
    """Redirect every question about who holds the session, or every posted message."""
    path, endpoints = _REDIRECTED[what]
    fault = Redirect(world.stranger.url + path, status)
    world.arm(fault, number, endpoints, optional=bool(optional))


@action("webhooks and messages succeed and fail in many ways")
def many_ways(world: World) -> None:
    """Have webhooks and messages succeed and fail, so that the implementation logs and answers."""
    genuine = _genuine(world)
    # Not the real key: whoever quotes what it was sent leaks nothing of its own.
    lure = f"{_EVIL}/?api_key={secrets.token_hex(16)}"
    stale = str(int(time.time()) - 4000)
    world.deliver(genuine)
    world.deliver(genuine)
    for wrong in (
        genuine.signed("another-secret"),
        genuine.signed(world.fleet.secret, stale),
        genuine.with_body(b"{").signed(world.fleet.secret),
        genuine.with_header("X-Instance-Url", lure),
    ):
        world.deliver(wrong)
    world.send("hello")
    lost = world.new_account(on=None, assigned=world.fleet.urls[0])
    world.send("hello", lost)
    world.arm(
        Redirect(lure, 307),
        genuine.instance,
        {Endpoint.SEND},
        optional=True,
    )
    world.send("hello")


# What is judged


@then("the row names a configured instance as it is configured")
def names_configured(world: World) -> None:
    """Check the stored URL, whether or not the webhook was accepted."""
    world.let_pass()
    security.names_configured(world.row(), [url.removesuffix("/") for url in world.fleet.urls])


@then("nothing of the message, its recipient or the API key reached the stranger")
def kept_from_stranger(world: World) -> None:
    """Check every byte that the stranger received."""
    world.stranger.stop()
    for sent in world.history.of(UserSends):
        parts = {
            "the message": sent.text,
            "its recipient": sent.recipient,
            "the API key": world.fleet.api_key,
        }
        security.kept_from_stranger(world.history, parts)


@then("nothing at all reached the stranger")
@then("nobody outside the configured instances is called")
def stranger_untouched(world: World) -> None:
    """Check that the stranger was never called."""
    world.stranger.stop()
    security.stranger_untouched(world.history)


@then("the webhook is taken or refused, and nothing breaks")
def taken_or_refused(world: World) -> None:
    """Check the answer to a long webhook that carries no location."""
    webhooks.taken_or_refused(world.webhook_answers[-1])


@then("the webhook is refused as too large")
def refused_as_too_large(world: World) -> None:
    """Check the answer to a body over the limit."""
    answer = world.webhook_answers[-1]
    security.refused_as_too_large(answer.status, answer.reason)


@then("either status and phone number were written, or nothing was, and the answer is below 500")
def whole_or_nothing(world: World) -> None:
    """Check the row by what it was before the webhook."""
    world.let_pass()
    wanted = {"status": "connected", "phone_number": NEW_PHONE}
    security.whole_or_nothing(world.row_before(), world.row(), world.webhook_answers[-1].status, wanted)


@then("one bounded line reports the refused location, and no line another event")
def refusal_logged_safely(world: World) -> None:
    """Check the log."""
    session_id, claim = world.account.session_id, world.webhook.header("X-Instance-Url") or ""
    world.let_pass()
    if (world.existing_row().assigned_instance_url or "").removesuffix("/") == claim:
        raise NotJudgedError("the location was believed, so there is no refusal to log; SPOOF-04 judges that")
    world.soon(lambda: security.refusal_logged_safely(world.log_lines(), session_id, claim))


@then("no secret and no signature is in the log, in an answer or in a metric")
def nothing_secret(world: World) -> None:
    """Check everything that the implementation logged, answered and counted."""
    world.let_pass()
    if "monitoring" in world.implementation.target.claims:
        operator.counted(world)
        operator.metrics(world)
    headers = [header for entry in world.history.of(WebhookSent) for header in entry.headers]
    signed = sorted({value for name, value in headers if name == "X-HMAC-Signature" and value})
    signatures = {f"signature {number}": value for number, value in enumerate(signed, 1)}
    kept = {"the API key": world.fleet.api_key, "the HMAC secret": world.fleet.secret, **signatures}
    answers = [entry.body for entry in world.history.of(UserAnswered)]
    answers += [entry.body for entry in world.history.of(OperatorAsked)]
    told = [entry.body.decode("utf-8", "replace") for entry in world.history.of(WebhookAnswered)]
    log = world.implementation.log
    places = [
        *((line.text, lambda text: log.place_of(text) or "the log") for line in world.log_lines()),
        *((text, lambda _text: "an answer") for text in answers),
        *((text, lambda _text: "an answer to a webhook") for text in told),
    ]
    security.nothing_secret(kept, places)
