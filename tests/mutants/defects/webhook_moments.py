"""Mistakes that only a bad moment shows: copies at once, bursts, webhooks that come too early, a held database."""

from __future__ import annotations

import threading
import time
from collections import deque

from sqlalchemy.exc import OperationalError

from reference_impl.edges import accounts
from reference_impl.edges.accounts import Accounts
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.syncs import Source, Syncs
from reference_impl.fix.webhooks import LOCATION_EVENTS, Event, WebhookError, WebhookReceiver
from tests.mutants.machinery.patching import around, around_webhooks
from tests.mutants.machinery.registry import mutant

AT_ONCE = "Announcements that arrive several times at once are one move each"
BURST = "The session_ready behind a burst of QR codes is heard"
EARLY = "A session that was announced before its account was there is heard the next time"
HELD = "A webhook that comes while somebody else holds the database is not lost"
AHEAD = "A clock that was ahead does not keep out the next move"

URL = "assigned_instance_url"


def _written_without_looking(self, view, new_url, *, source, at, changes):
    """Write a webhook's location without a look at whether another has written it since it was read."""
    account = view.account
    moves = not account.is_at(new_url)
    self._accounts.write(account, {**(changes or {}), **({URL: new_url} if moves else {})})
    with self._lock:
        self._versions[account.id] = self._versions.get(account.id, 0) + 1
        self.heard(account.id, at)
    if moves:
        urls = {"old_url": account.assigned_instance_url, "new_url": new_url}
        self._log.info(source.value, session_id=account.session_id, **urls)
        self._monitoring.synced("webhook")
    return True


@mutant("WEBHOOK-18", AT_ONCE)
def copies_at_once_are_moves_each() -> None:
    """The row is read, and written a little later without a look at whether it has moved."""

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, at, changes=None):
        if source is not Source.WEBHOOK:
            return write(self, view, new_url, source=source, at=at, changes=changes)
        return _written_without_looking(self, view, new_url, source=source, at=at, changes=changes)


@mutant("WEBHOOK-18", AT_ONCE)
def copies_known_by_their_signature_too_late() -> None:
    """A webhook's signature is remembered behind its processing, so that copies on their way are not known."""
    seen = set()

    def act(_parts, _account, delivery, apply):
        if delivery.signature in seen:
            return False
        done = apply()
        seen.add(delivery.signature)
        return done

    around_webhooks(act)
    copies_at_once_are_moves_each()


def _refused_from(most, key_of) -> None:
    """Answer 429 to all but the first so many webhooks of a minute, counted by a key."""
    parse, lock, came = Event.parse.__func__, threading.Lock(), {}

    def parsed(cls, body):
        event, now = parse(cls, body), time.monotonic()
        with lock:
            recent = came.setdefault(key_of(event), deque())
            while recent and recent[0] < now - 60:
                recent.popleft()
            if len(recent) >= most:
                raise WebhookError(429, "Too many requests")
            recent.append(now)
        return event

    Event.parse = classmethod(parsed)


@mutant("WEBHOOK-19", BURST)
def ten_webhooks_a_minute_for_a_session() -> None:
    """A session may have ten webhooks a minute, whatever they say."""
    _refused_from(10, lambda event: event.session_id)


@mutant("WEBHOOK-19", BURST)
def sixty_webhooks_a_minute_in_all() -> None:
    """Webhooks are limited to sixty a minute, as a framework has it by default."""
    _refused_from(60, lambda _event: None)


@mutant("WEBHOOK-19", BURST)
def one_webhook_a_second_for_a_session() -> None:
    """Of the webhooks of a session with the same timestamp only the first counts."""
    seen = set()

    def act(_parts, account, delivery, apply):
        known = (account.id, delivery.timestamp) in seen
        seen.add((account.id, delivery.timestamp))
        return not known and apply()

    around_webhooks(act)


@mutant("WEBHOOK-19", BURST, asynchronous=True)
def queue_too_short_for_a_burst() -> None:
    """Webhooks wait in a queue of fifty places for one worker, and what finds no place is dropped."""
    lock, waiting = threading.Lock(), deque(maxlen=50)

    def act(_parts, _account, delivery, apply):
        with lock:
            waiting.append(delivery)
            dropped = len(waiting) == waiting.maxlen
        return dropped or apply()

    around_webhooks(act)


def _unknown_remembered(seconds, key_of) -> None:
    receive, unknown = WebhookReceiver.receive, {}

    def received(self, headers, body):
        try:
            key = key_of(Event.parse(body))
        except WebhookError:
            key = None
        if key is not None and time.monotonic() - unknown.get(key, -seconds) < seconds:
            raise WebhookError(404, "No such session in this workspace")
        try:
            return receive(self, headers, body)
        except WebhookError as error:
            if error.status == 404:
                unknown[key] = time.monotonic()
            raise

    WebhookReceiver.receive = received


@mutant("WEBHOOK-20", EARLY)
def unknown_sessions_remembered() -> None:
    """That no account has a session is remembered for a minute."""
    _unknown_remembered(60, lambda event: event.session_id)


@mutant("WEBHOOK-20", EARLY)
def dead_letters_not_opened_again() -> None:
    """An event of a session that could not be processed is put aside, and so is the next of its kind."""
    _unknown_remembered(3600, lambda event: (event.session_id, event.name))


@mutant("WEBHOOK-20", EARLY)
def sessions_listed_once_for_all() -> None:
    """Which sessions have an account is read at the first webhook of a session, and kept."""
    known = {}

    @around(Accounts, "by_session")
    def sought(seek, self, session_id):
        account = seek(self, session_id)
        return account if known.setdefault(session_id, account is not None) else None


def _patience_of(seconds) -> None:
    accounts.CONNECT_ARGUMENTS = {
        "sqlite": {"timeout": seconds},
        "postgresql": {"options": f"-c timezone=UTC -c lock_timeout={max(1, int(seconds * 1000))}"},
    }


@mutant("WEBHOOK-21", HELD)
def database_waited_for_not_at_all() -> None:
    """A database that somebody else holds is given up at once."""
    _patience_of(0)


@mutant("WEBHOOK-21", HELD)
def database_waited_for_too_short() -> None:
    """A database that somebody else holds is given up after a tenth of a second."""
    _patience_of(0.1)


@mutant("WEBHOOK-21", HELD)
def webhook_that_was_not_stored_answered_200() -> None:
    """A webhook that finds the database held is answered 200 and forgotten."""
    _patience_of(0)

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        try:
            return receive(self, headers, body)
        except OperationalError:
            self.parts.log.warning("Webhook not stored")
            return False


@mutant("WEBHOOK-12", AHEAD)
def order_by_the_senders_clocks_alone() -> None:
    """The webhook with the newest timestamp wins, whatever the instances say when they are asked."""
    newest = {}

    @around(LocationSync, "_apply_location")
    def applied(apply, self, account, delivery, *, replayed):
        if delivery.timestamp < newest.get(account.id, 0):
            return False, False
        believed, done = apply(self, account, delivery, replayed=replayed)
        if done:
            newest[account.id] = max(delivery.timestamp, newest.get(account.id, 0))
        return believed, done


@mutant("WEBHOOK-12", AHEAD)
def a_clock_ahead_dates_the_row() -> None:
    """A webhook with an older timestamp than the last that was believed is answered 409."""
    newest = {}

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        event, stamp = Event.parse(body), int(headers.get("X-Timestamp") or 0)
        if event.name in LOCATION_EVENTS and stamp < newest.get(event.session_id, 0):
            raise WebhookError(409, "There is newer news of the session")
        done = receive(self, headers, body)
        newest[event.session_id] = max(stamp, newest.get(event.session_id, 0))
        return done
