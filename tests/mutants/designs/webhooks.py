"""Sound designs: receiving webhooks, and believing them."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import Headers

from harness.catalogue.requirements import Profile
from reference_impl.edges import accounts
from reference_impl.edges.accounts import ACCOUNTS, connect
from reference_impl.edges.answers import Holding
from reference_impl.edges.signature import Authenticator, NotAuthenticError
from reference_impl.fix import locations
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.locator import Finding, Locator
from reference_impl.fix.webhooks import Event, WebhookError, WebhookReceiver
from tests.mutants.machinery.patching import around, around_sends, around_webhooks
from tests.mutants.machinery.registry import sound_design

OWN = MetaData()
INBOX = Table(
    "webhook_inbox",
    OWN,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("signature", Text),
    Column("timestamp", Text),
    Column("claim", Text),
    Column("body", LargeBinary),
    Column("received_at", Float),
)
HINTS = Table("location_hints", OWN, Column("session_id", Text), Column("url", Text))
POLL_SECONDS = 0.05


@sound_design(profiles=(Profile.CORE, Profile.SECURITY, Profile.RESILIENCE))
def webhooks_wait_for_sends() -> None:
    """While a message of an account is being sent, a webhook about the account waits."""
    changed, sending = threading.Condition(), defaultdict[int, int](int)

    def sent(_parts, account_id, _message, send):
        with changed:
            sending[account_id] += 1
        try:
            return send()
        finally:
            with changed:
                sending[account_id] -= 1
                changed.notify_all()

    def applied(_parts, account, _delivery, apply):
        with changed:
            changed.wait_for(lambda: not sending[account.id])
        return apply()

    around_sends(sent)
    around_webhooks(applied)


@sound_design(slow=True)
def webhooks_take_their_time() -> None:
    """A webhook is applied and answered after a while."""

    def applied(_parts, _account, _delivery, apply):
        threading.Event().wait(0.6)
        return apply()

    around_webhooks(applied)


@sound_design(asynchronous=True, slow=True)
def webhooks_are_stored_and_applied_later() -> None:
    """A webhook goes into a table of its own and is answered; it is applied in the background."""
    init, receive = WebhookReceiver.__init__, WebhookReceiver.receive
    engine = connect(os.environ["DATABASE_URL"])
    OWN.create_all(engine, tables=[INBOX])
    arrived, moment = threading.Event(), threading.local()
    timestamp_of = Authenticator.timestamp_of

    def judged(self, signature, timestamp, body, now):
        # What was authentic on arrival stays so, however long it waits.
        return timestamp_of(self, signature, timestamp, body, getattr(moment, "received_at", now))

    def work(self):
        while True:
            with engine.connect() as connection:
                first = connection.execute(select(INBOX).order_by(INBOX.c.id)).first()
            if first is None:
                arrived.wait(POLL_SECONDS)
                arrived.clear()
                continue
            given = {"X-HMAC-Signature": first.signature, "X-Timestamp": first.timestamp}
            claim = {} if first.claim is None else {"X-Instance-Url": first.claim}
            moment.received_at = first.received_at
            try:
                receive(self, Headers({**given, **claim}), first.body)
            except WebhookError as error:
                self.parts.log.warning("Webhook not applied", reason=str(error))
            with engine.connect() as connection:
                connection.execute(delete(INBOX).where(INBOX.c.id == first.id))

    def opened(self, *parts):
        init(self, *parts)
        threading.Thread(target=work, args=(self,), daemon=True).start()

    def received(self, headers, body):
        signature, timestamp, now = headers.get("X-HMAC-Signature"), headers.get("X-Timestamp"), time.time()
        try:
            self._authenticator.timestamp_of(signature, timestamp, body, now)
        except NotAuthenticError:
            # It is refused in the reference's own words.
            return receive(self, headers, body)
        Event.parse(body)
        stored = {"signature": signature, "timestamp": timestamp, "body": body, "received_at": now}
        with engine.connect() as connection:
            connection.execute(insert(INBOX).values(**stored, claim=headers.get("X-Instance-Url")))
        arrived.set()
        return True

    Authenticator.timestamp_of = judged
    WebhookReceiver.__init__, WebhookReceiver.receive = opened, received


class _NotBelievedError(Exception):
    """A location that is not believed, and with it the whole webhook."""


@sound_design
def doubtful_webhooks_refused_whole() -> None:
    """A webhook whose location is not believed is refused whole; a late one is ignored."""
    judge, apply = LocationSync._judge, LocationSync.apply

    def judged(self, account, delivery, **how):
        target, reason = judge(self, account, delivery, **how)
        if reason is not None or how["late"]:
            self._report_rejected(delivery, reason)
            raise _NotBelievedError
        return target, reason

    def applied(self, account, delivery):
        try:
            return apply(self, account, delivery)
        except _NotBelievedError:
            if delivery.timestamp < self.parts.syncs.newest(account.id):
                return False
            raise WebhookError(422, "The location is not believed") from None

    LocationSync._judge, LocationSync.apply = judged, applied


@sound_design(profiles=(Profile.CORE, Profile.SECURITY))
def only_true_claims_believed() -> None:
    """A location is believed only if that instance answers that it holds the session."""
    locations.is_believed = lambda claimed, assigned, *, doubtful: (
        claimed is Holding.HELD and not (doubtful and assigned is not Holding.ABSENT)
    )


@sound_design(profiles=(Profile.CORE, Profile.SECURITY, Profile.RESILIENCE))
def claims_that_cannot_be_checked_are_hints() -> None:
    """A location whose instance does not answer is kept in a table, and settled by the next send."""
    engine = connect(os.environ["DATABASE_URL"])
    OWN.create_all(engine, tables=[HINTS])
    judge, scan = LocationSync._judge, Locator.scan

    def believed(claimed, assigned, *, doubtful):
        return claimed is Holding.HELD and (not doubtful or assigned is Holding.ABSENT)

    def judged(self, account, delivery, **how):
        target, reason = judge(self, account, delivery, **how)
        claimed = self.parts.settings.configured(delivery.location)
        if target is None and claimed is not None and reason == "assigned_instance_holds_it":
            with engine.connect() as connection:
                connection.execute(delete(HINTS).where(HINTS.c.session_id == account.session_id))
                connection.execute(insert(HINTS).values(session_id=account.session_id, url=claimed))
        return target, reason

    async def scanned(self, session_id, since, **rest):
        with engine.connect() as connection:
            hint = connection.execute(select(HINTS.c.url).where(HINTS.c.session_id == session_id)).scalar()
            connection.execute(delete(HINTS).where(HINTS.c.session_id == session_id))
        if hint in self._instances and hint not in rest["ignoring"]:
            began_at, holding = time.time(), await self.ask(hint, session_id, since)
            if holding is Holding.HELD and rest["assigned"] in {None, *rest["ignoring"], hint}:
                return Finding(hint, {hint: holding}, began_at)
        return await scan(self, session_id, since, **rest)

    locations.is_believed, LocationSync._judge, Locator.scan = believed, judged, scanned


@sound_design(profiles=(Profile.CORE,))
def events_without_a_location_change_nothing() -> None:
    """Only events that carry a location are processed."""
    LocationSync._apply_status = lambda _self, _account, _delivery: True


@sound_design(profiles=(Profile.CORE,))
def held_database_answered_429() -> None:
    """A webhook that finds the database held is not kept waiting, but answered 429, so that it comes again."""
    accounts.CONNECT_ARGUMENTS = {
        "sqlite": {"timeout": 0.1},
        "postgresql": {"options": "-c timezone=UTC -c lock_timeout=100"},
    }

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        try:
            return receive(self, headers, body)
        except OperationalError:
            raise WebhookError(429, "The database is busy") from None


@sound_design
def webhooks_touch_the_row() -> None:
    """Every webhook that is believed sets the row's updated_at, whether or not it says anything new."""

    def applied(parts, account, _delivery, apply):
        done = apply()
        if done:
            now = datetime.now(UTC).replace(tzinfo=None)
            with parts.accounts._engine.connect() as connection:
                connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id).values(updated_at=now))
        return done

    around_webhooks(applied)
