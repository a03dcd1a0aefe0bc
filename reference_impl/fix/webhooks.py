"""Receiving webhooks (contract, section 5): who sent it, what it says, and which account it is about."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from reference_impl.edges.accounts import Account, NotStorableError
from reference_impl.edges.answers import is_text, json_object
from reference_impl.edges.signature import Authenticator, NotAuthenticError

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.datastructures import Headers

    from reference_impl.server import Parts

LOCATION_EVENTS = frozenset({"session_ready", "session_reconnected"})


class WebhookError(Exception):
    """A webhook that is not processed; the text says why, ``status`` is the HTTP status to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Event:
    """What the body of a webhook says."""

    name: str
    workspace_id: int | None
    """None if it has none: then nobody compares it."""
    session_id: str
    phone_number: str | None
    """None if it has none, or an empty one: the stored one stays."""

    @classmethod
    def parse(cls, body: bytes) -> Event:
        """Read a body; raises WebhookError with status 400 or 422."""
        given = json_object(body)
        if given is None:
            raise WebhookError(400, "The body is not a JSON object")
        data = given.get("data")
        if not isinstance(given.get("event"), str) or not isinstance(data, dict):
            raise WebhookError(422, "event must be a text and data an object")
        session_id, phone_number = data.get("session_id"), data.get("phone_number")
        if not session_id or not _is_storable(session_id):
            raise WebhookError(422, "data.session_id must be a text")
        if phone_number is not None and not _is_storable(phone_number):
            raise WebhookError(422, "data.phone_number must be a text")
        return cls(given["event"], _workspace_id(data.get("workspace_id")), session_id, phone_number or None)

    @property
    def carries_location(self) -> bool:
        """Whether the event says that the session is connected, and so where."""
        return self.name in LOCATION_EVENTS

    def changes(self) -> dict[str, object]:
        """Return the columns that the event sets, except the location."""
        if self.carries_location:
            phone = {} if self.phone_number is None else {"phone_number": self.phone_number}
            return {"status": "connected", **phone}
        return {"status": "disconnected"} if self.name == "session_disconnected" else {}


@dataclass(frozen=True)
class Delivery:
    """One authentic webhook about a known account."""

    event: Event
    location: str | None
    """X-Instance-Url as sent, outside the signature; None if absent or empty."""
    timestamp: int
    """Unix seconds, signed."""
    signature: str


class WebhookReceiver:
    """Authenticates webhooks and applies those about known accounts; safe to use from any thread."""

    def __init__(self, parts: Parts, apply: Callable[[Account, Delivery], bool]) -> None:
        """``apply`` does what a webhook says, and returns False if it ignored it."""
        self.parts = parts
        self._authenticator = Authenticator(parts.settings.hmac_secret, parts.settings.signature_ttl)
        self._apply = apply

    def receive(self, headers: Headers, body: bytes) -> bool:
        """Process one webhook, its effects durable on return; return False if it was ignored.

        Raises WebhookError.
        """
        signature = headers.get("X-HMAC-Signature")
        try:
            sent_at = self._authenticator.timestamp_of(
                signature, headers.get("X-Timestamp"), body, time.time()
            )
        except NotAuthenticError as error:
            self.parts.log.warning("Webhook refused", reason=str(error))
            raise WebhookError(401, str(error)) from error
        event = Event.parse(body)
        account = self.parts.accounts.by_session(event.session_id)
        if account is None or not _is_of(account.workspace_id, event.workspace_id):
            raise WebhookError(404, "No such session in this workspace")
        location = headers.get("X-Instance-Url") or None
        try:
            return self._apply(account, Delivery(event, location, sent_at, signature or ""))
        except NotStorableError as error:
            raise WebhookError(422, "A value is longer than its column") from error


def _is_storable(value: object) -> TypeGuard[str]:
    """Return whether every database can hold a value as a text: some refuse NUL."""
    return is_text(value) and "\0" not in value


def _is_of(stored: int | None, said: int | None) -> bool:
    return stored is None or said is None or stored == said


def _workspace_id(given: object) -> int | None:
    if given is None:
        return None
    if isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) < 19:
        return int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    raise WebhookError(422, "data.workspace_id must be a whole number")
