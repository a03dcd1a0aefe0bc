"""Sound designs: what webhooks may be answered, in what order they count, and what is logged of them."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import quote

from sqlalchemy import text
from werkzeug.exceptions import LengthRequired

from harness.catalogue.requirements import Profile
from reference_impl import app
from reference_impl.edges.accounts import Accounts
from reference_impl.edges.log import bounded
from reference_impl.fix import locations
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.syncs import Syncs
from reference_impl.fix.webhooks import LOCATION_EVENTS, Event, WebhookError, WebhookReceiver
from tests.mutants.machinery.patching import around, around_chunked, around_webhooks
from tests.mutants.machinery.registry import sound_design

JUDGES = (Profile.CORE, Profile.SECURITY, Profile.RESILIENCE)
ONE_MEBIBYTE = 1024 * 1024


@sound_design(profiles=(Profile.CORE, Profile.SECURITY))
def long_bodies_in_chunks_answered_411() -> None:
    """A body in chunks is answered 411 as soon as it has more than a mebibyte."""

    def refuse(request):
        try:
            request.get_data()
        except Exception:  # noqa: BLE001 - whatever says that it is too long
            raise LengthRequired from None

    around_chunked(refuse)


@sound_design(profiles=(Profile.CORE, Profile.SECURITY))
def photographs_taken() -> None:
    """Events without a location may have ten mebibytes, those with one a mebibyte."""
    app.LONGEST_BODY = 10 * ONE_MEBIBYTE

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        if len(body) > ONE_MEBIBYTE and any(f'"{one}"'.encode() in body[:100] for one in LOCATION_EVENTS):
            raise WebhookError(413, "The body is too long for a location")
        return receive(self, headers, body)


@sound_design(profiles=JUDGES)
def webhooks_count_as_they_come() -> None:
    """Webhooks are ordered by when they were accepted; their timestamps only tell whether they are too old."""
    init = LocationSync.__init__

    def opened(self, parts):
        init(self, parts)
        self._started_at = 0

    LocationSync.__init__ = opened
    Syncs.newest = lambda _self, _account_id: 0


@sound_design(profiles=JUDGES)
def webhooks_count_as_their_senders_say() -> None:
    """Webhooks are ordered by their timestamps, of clocks that are ahead too; what instances confirm beats that."""

    def act(parts, account, delivery, apply):
        done = apply()
        if done and delivery.event.carries_location:
            with parts.syncs._lock:
                newest = parts.syncs._newest
                newest[account.id] = max(newest.get(account.id, 0), delivery.timestamp)
        return done

    around_webhooks(act)


@sound_design(profiles=JUDGES)
def seen_signatures_ignored() -> None:
    """A location webhook whose signature came before is answered 200 and ignored, whatever location it names."""
    lock, seen = threading.Lock(), set()

    def act(_parts, _account, delivery, apply):
        if not delivery.event.carries_location:
            return apply()
        with lock:
            known = delivery.signature in seen
            seen.add(delivery.signature)
        return not known and apply()

    around_webhooks(act)


@sound_design(profiles=JUDGES)
def copies_on_their_way_refused() -> None:
    """A copy of a webhook that is being processed is answered 409."""
    lock, under_way = threading.Lock(), set()

    def act(_parts, _account, delivery, apply):
        with lock:
            if delivery.signature in under_way:
                raise WebhookError(409, "The same webhook is being processed")
            under_way.add(delivery.signature)
        try:
            return apply()
        finally:
            under_way.discard(delivery.signature)

    around_webhooks(act)


@sound_design(profiles=(Profile.CORE,))
def bursts_of_codes_slowed_down() -> None:
    """A session may announce ten QR codes a minute; the rest is answered 429. Locations are not counted."""
    lock, came = threading.Lock(), Counter()
    parse = Event.parse.__func__

    def parsed(cls, body):
        event = parse(cls, body)
        if event.name == "qr_code_generated":
            with lock:
                minute = (event.session_id, int(time.time()) // 60)
                came[minute] += 1
                if came[minute] > 10:
                    raise WebhookError(429, "Too many codes")
        return event

    Event.parse = classmethod(parsed)


@sound_design(profiles=(Profile.CORE, Profile.SECURITY))
def text_that_cannot_be_stored_refused() -> None:
    """A body with half a character, a NUL or more than sixty levels is answered 422, wherever in it that is."""
    parse = Event.parse.__func__

    def parsed(cls, body):
        event = parse(cls, body)
        try:
            written = json.dumps(json.loads(body), ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            written = rb"\u0000"
        if rb"\u0000" in written:
            raise WebhookError(422, "The body has what cannot be stored")
        return event

    Event.parse = classmethod(parsed)


@sound_design(profiles=(Profile.CORE,))
def times_written_as_iso_8601() -> None:
    """updated_at is written as ISO 8601, with a T and a Z."""

    @around(Accounts, "_update")
    def updated(write, self, account, changes, only):
        done = write(self, account, changes, only)
        if done and any(getattr(account, name) != value for name, value in changes.items()):
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            with self._engine.connect() as connection:
                statement = text("UPDATE whatsapp_accounts SET updated_at = :now WHERE id = :id")
                connection.execute(statement, {"now": now, "id": account.id})
        return done


@sound_design(profiles=(Profile.SECURITY,))
def claims_quoted_with_their_query() -> None:
    """A refused location is logged whole, its user and its query too."""
    locations.safe_location = lambda claim: quote(
        bounded(claim), safe=locations.URL_CHARACTERS, errors="replace"
    )
