"""Checks of gateway instances: each passes silently or raises ConformanceFailure. Pure.

The signature is computed by code of the harness's own: a mistake of the fakes' must not hide by being shared.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import json
import math
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.errors import ConformanceFailure, TimeBoundFailure
from harness.gateway_contract import LOCATION_EVENTS, LOGIN_EVENTS
from harness.json_text import json_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.gateway_contract import Answer, Delivered, Tenant
    from harness.history import MessagePosted, WebhookReceived

PATH = "/api/whatsapp/webhooks/webjs"
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,15}")
"""Unix seconds, of any year that there will be: longer numbers are none, and not to be computed with."""
_CLOCK_SECONDS = 5.0
_MOST_SHOWN = 100
_STALLED_SECONDS = 60.0
_GROWTH = 1.1
_FIXED_HEADERS = {"Content-Type": "application/json", "User-Agent": "WhatsApp-WebJS-Service/1.0"}


def locations(webhooks: Sequence[WebhookReceived]) -> tuple[WebhookReceived, ...]:
    """Return the webhooks that say where a session lives: a gateway sends others before, between and behind them."""
    return tuple(one for one in webhooks if one.event in LOCATION_EVENTS)


def heard(webhooks: Sequence[WebhookReceived]) -> tuple[WebhookReceived, ...]:
    """Check that the control plane hears where a session lives, and return the webhooks that say so."""
    found = locations(webhooks)
    if not found:
        raise ConformanceFailure(
            "the control plane hears session_ready or session_reconnected of the session", _only(webhooks)
        )
    return found


def _only(webhooks: Sequence[WebhookReceived]) -> str:
    events = dict.fromkeys(one.event or "a webhook without an event" for one in webhooks)
    return f"it heard only {', '.join(events)}" if events else "it heard nothing of it"


def five_headers(webhook: WebhookReceived) -> None:
    """Check that a webhook arrived where webhooks go, with the five headers, once each (contract, section 5)."""
    if webhook.path != PATH:
        raise ConformanceFailure(f"the webhook goes to {PATH}", f"it went to {webhook.path}")
    names = (*_FIXED_HEADERS, "X-HMAC-Signature", "X-Timestamp", "X-Instance-Url")
    given = {name: webhook.header(name) for name in names}
    if wrong := {name: len(values) for name, values in given.items() if len(values) != 1}:
        told = ", ".join(f"{name} {times} times" if times else f"no {name}" for name, times in wrong.items())
        raise ConformanceFailure(f"the webhook has each of {', '.join(names)} once", f"it has {told}")
    media_type = given["Content-Type"][0].partition(";")[0].strip().lower()
    shown = {**{name: values[0] for name, values in given.items()}, "Content-Type": media_type}
    for name, value in _FIXED_HEADERS.items():
        if shown[name] != value:
            raise ConformanceFailure(f"the webhook's {name} is {value}", f"it is {given[name][0]}")
    if not _SIGNATURE.fullmatch(given["X-HMAC-Signature"][0]):
        raise ConformanceFailure(
            "the webhook's X-HMAC-Signature is 64 lowercase hex digits",
            f"it is {len(given['X-HMAC-Signature'][0])} characters of another form",
        )
    timestamp = given["X-Timestamp"][0]
    seconds = _SECONDS.fullmatch(timestamp)
    off = math.inf if seconds is None else abs(int(timestamp) - webhook.at)
    if off > _CLOCK_SECONDS:
        late = off < _STALLED_SECONDS  # a machine that stood still would explain it
        raise (TimeBoundFailure if late else ConformanceFailure)(
            f"the webhook's X-Timestamp is the moment at which it goes out, in Unix seconds ({webhook.at:.0f})",
            f"it is {timestamp[:_MOST_SHOWN]!r}",
        )


def names(webhook: WebhookReceived, url: str, number: int, stated: str = "") -> None:
    """Check that a webhook names its sender by the sender's own URL, or the one that its target states."""
    named = [one.removesuffix("/") for one in webhook.header("X-Instance-Url")]
    if len(named) == 1 and (named[0] == stated.removesuffix("/") if stated else is_own(named[0], url)):
        return
    own = (
        f"{stated}, as claims_as says"
        if stated
        else f"{url} or any spelling of the loopback address with its port"
    )
    known = "" if stated or not named else ". If it is known by that, state it in [instance] claims_as"
    raise ConformanceFailure(
        f"{webhook.event} names the URL of instance {number}, {own}",
        f"it names {' and '.join(named) or 'none'}{known}",
    )


def is_own(claimed: str, url: str) -> bool:
    """Say whether a claimed URL is the instance's own: its very URL, or a loopback address with its port."""
    try:
        parts, own = urlsplit(claimed), urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    bare = f"{parts.scheme}://{parts.netloc}" == claimed and parts.username is None
    if not bare or (parts.scheme, port) != (own.scheme, own.port):
        return False
    return host in {"localhost", own.hostname} or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def signature_verifies(webhook: WebhookReceived, secret: str) -> None:
    """Check that a webhook is signed over its timestamp followed by the exact bytes of its body."""
    timestamp = "".join(webhook.header("X-Timestamp"))
    signed = hmac.new(secret.encode(), timestamp.encode() + webhook.body, hashlib.sha256).hexdigest()
    given = webhook.header("X-HMAC-Signature")
    expected = "the webhook's signature verifies over its timestamp and the exact bytes of its body"
    if len(given) != 1:
        raise ConformanceFailure(
            expected, f"{webhook.event or 'a webhook'} has {len(given) or 'no'} X-HMAC-Signature"
        )
    if given != (signed,):
        raise ConformanceFailure(
            expected,
            f"it does not, for {webhook.event or 'no event'}, timestamp {timestamp} and a body of "
            f"{len(webhook.body)} bytes: {_signed_instead(webhook, timestamp, secret)}",
        )


def _signed_instead(webhook: WebhookReceived, timestamp: str, secret: str) -> str:
    """Name what was signed instead, if it is a common mistake."""
    body, given = webhook.body, "".join(webhook.header("X-HMAC-Signature"))
    told = {
        "the body alone": body,
        "the body followed by the timestamp": body + timestamp.encode(),
        "timestamp and body with a dot between them": f"{timestamp}.".encode() + body,
        "timestamp and body with a line end between them": f"{timestamp}\n".encode() + body,
    }
    with contextlib.suppress(ValueError):
        value = json_of(body)
        told["the body as it is parsed and written anew"] = timestamp.encode() + json.dumps(value).encode()
        told["the body with its keys sorted"] = (
            timestamp.encode() + json.dumps(value, sort_keys=True).encode()
        )
    for what, message in told.items():
        if hmac.compare_digest(hmac.new(secret.encode(), message, hashlib.sha256).hexdigest(), given):
            return f"what was signed is {what}"
    return "neither is it made over the body alone, nor with a separator, nor over the body written anew; the secret?"


def announcement(
    webhooks: Sequence[WebhookReceived], event: str, *, anew: bool = False
) -> WebhookReceived | None:
    """Return the webhook by which this event of a session is announced, whatever others came; None without any.

    A session that reconnects by logging in anew is connected by a new client: session_ready announces it too. That it
    does so, `anew` or the events of a login say.
    """
    login = anew or any(one.event in LOGIN_EVENTS for one in webhooks)
    announcing = {event, "session_ready"} if login and event == "session_reconnected" else {event}
    return next((one for one in webhooks if one.event in announcing), None)


def announces(webhooks: Sequence[WebhookReceived], event: str, tenant: Tenant, *, anew: bool = False) -> None:
    """Check that this event is announced (see `announcement`), with what the contract has it say."""
    found = announcement(webhooks, event, anew=anew)
    if found is None:
        raise ConformanceFailure(f"the control plane hears {event} of the session", _only(webhooks))
    expected: dict[str, object] = {"workspace_id": tenant.workspace_id}
    if found.event == "session_ready":
        expected["phone_number"] = tenant.phone_number
    if wrong := {
        name: found.data.get(name) for name, value in expected.items() if found.data.get(name) != value
    }:
        told = ", ".join(f"{name} {value!r}" for name, value in wrong.items())
        wanted = ", ".join(f"{name} {expected[name]!r}" for name in wrong)
        raise ConformanceFailure(f"{found.event} says {wanted}", f"it says {told}")


def true_when_announced(webhook: WebhookReceived) -> None:
    """Check that the session was connected when that was announced."""
    if webhook.asked_back != "connected":
        raise ConformanceFailure(
            f"the instance holds the session connected when it sends {webhook.event}",
            f"asked at that moment, it answered {webhook.asked_back}",
        )


def tries(webhooks: Sequence[WebhookReceived]) -> tuple[WebhookReceived, ...]:
    """Return the tries of the location webhook that was tried most often: the same event with the same body.

    Each is signed for its own moment, and may say that moment in its data.
    """
    groups: dict[str, list[WebhookReceived]] = {}
    for one in locations(webhooks):
        data = {name: value for name, value in one.data.items() if name != "timestamp"}
        groups.setdefault(f"{one.event} {json.dumps(data, sort_keys=True)}", []).append(one)
    most: list[WebhookReceived] = max(groups.values(), key=len, default=[])
    return tuple(most)


def waits_grow(tried: Sequence[WebhookReceived], least: int) -> None:
    """Check that a webhook was tried at least so often, after growing waits, the last at least twice the first."""
    if len(tried) < least:
        raise ConformanceFailure(
            f"the location webhook is tried at least {least} times", f"it was tried {len(tried)} times"
        )
    waits = [after.at - before.at for before, after in pairwise(tried)]
    if waits[-1] < 2 * waits[0] or any(after < _GROWTH * before for before, after in pairwise(waits)):
        told = ", ".join(f"{wait:.2f}" for wait in waits)
        raise TimeBoundFailure(
            "each wait is longer than the one before, and the last at least twice the first",
            f"the waits were {told} s",
        )


def tried_once(tried: Sequence[WebhookReceived], meanwhile: int) -> None:
    """Check that a webhook was tried once, while another was tried `meanwhile` times."""
    if len(tried) != 1:
        raise ConformanceFailure(
            "the location webhook is tried once, and not again",
            f"it was tried {len(tried)} times, while another was tried {meanwhile} times",
        )


def counts(told: Mapping[str, Any], total: int, connected: int, where: str) -> None:
    """Check that a health route counts exactly so many sessions."""
    sessions = told.get("sessions")
    counted = sessions if isinstance(sessions, dict) else {}
    if (counted.get("total"), counted.get("connected")) != (total, connected):
        raise ConformanceFailure(
            f"{where} counts {total} sessions, {connected} of them connected",
            f"it counts {counted.get('total')}, {counted.get('connected')} of them connected",
        )


def lists(told: Mapping[str, Any], held: Collection[str], where: str) -> None:
    """Check that a health route lists exactly these sessions."""
    sessions = told.get("sessions")
    details = sessions.get("details") if isinstance(sessions, dict) else None
    if not isinstance(details, list):
        raise ConformanceFailure(
            f"{where} lists its sessions under details", f"details is {type(details).__name__}, not a list"
        )
    listed = Counter(str(one.get("session_id")) if isinstance(one, dict) else "no object" for one in details)
    if listed != Counter(held):
        missing, more = Counter(held) - listed, listed - Counter(held)
        told_missing = f"it leaves out {', '.join(missing)}" if missing else ""
        told_more = f"it lists {', '.join(more)} too" if more else ""
        raise ConformanceFailure(
            f"{where} lists exactly the {len(held)} sessions held",
            " and ".join(filter(None, (told_missing, told_more))),
        )


def says_not_found(posted: MessagePosted) -> None:
    """Check that a message was answered 404 `Session not found`."""
    if posted.status != 404 or '"Session not found"' not in posted.body:
        raise ConformanceFailure(
            f'instance {posted.instance} answers 404 "Session not found"',
            f"it answered {posted.status} {posted.body[:200]}",
        )


def healthy(answers: Mapping[int, Answer]) -> None:
    """Check that every instance says that it is healthy."""
    ill = {number: one for number, one in answers.items() if one.status != 200}
    if ill:
        told = ", ".join(
            f"instance {number} answered {one.status} {one.body[:80]}" for number, one in ill.items()
        )
        raise ConformanceFailure("each instance says that it is healthy", told)


def four_addresses(urls: Sequence[str]) -> None:
    """Check that each instance listens on a port of its own."""
    if len(set(urls)) != len(urls):
        raise ConformanceFailure("each instance has a port of its own", f"they listen at {', '.join(urls)}")


def nothing_went_out(delivered: Sequence[Delivered], session_id: str, number: int) -> None:
    """Check that an instance sent nothing over a session."""
    if sent := [one.text for one in delivered if one.session_id == session_id]:
        raise ConformanceFailure(
            f"instance {number} sends nothing over a session that it does not hold", f'it sent "{sent[0]}"'
        )


def each_went_out_once(posted: Sequence[MessagePosted], delivered: Sequence[Delivered]) -> None:
    """Check that every message that was handed over went out exactly once."""
    times = Counter(delivered)
    messages = {one.message: one for one in posted}
    said_sent = {one.message for one in posted if one.sent}
    lost = [one for one in messages if not times[one]]
    doubled = [one for one in messages if times[one] > 1]
    if not lost and not doubled:
        return
    told = []
    if lost:
        lied = sum(1 for one in lost if one in said_sent)
        told.append(f"{len(lost)} never went out, of which {lied} were answered as sent")
    if doubled:
        told.append(
            f"{len(doubled)} went out more than once, the first at instance {messages[doubled[0]].instance}"
        )
    raise ConformanceFailure(f"each of {len(messages)} messages goes out exactly once", "; ".join(told))
