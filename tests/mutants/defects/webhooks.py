"""Mistakes in applying webhooks."""

from __future__ import annotations

import threading
from dataclasses import replace

from sqlalchemy import update

from reference_impl import before_fix, server
from reference_impl.edges.accounts import ACCOUNTS, Accounts
from reference_impl.edges.answers import json_object
from reference_impl.fix import locations, webhooks
from reference_impl.fix.syncs import Source
from reference_impl.fix.webhooks import Event, WebhookError
from reference_impl.settings import without_trailing_slash
from tests.mutants.machinery.patching import around, around_log, around_webhooks
from tests.mutants.machinery.registry import mutant, rows

READY = "A session that becomes ready anywhere is found there"
SAME_WRITE = "The same write sets status and phone number"
LOGGED = "A move is logged with the value before the write"
FILLED = "A row without an instance is filled"
RECONNECT = "A reconnect moves the URL and keeps the phone number, which it does not carry"
NO_HEADER = "Without X-Instance-Url status and phone number change and the URL does not"
EMPTY_HEADER = "An empty X-Instance-Url counts as missing"
OTHER_EVENT = "An event that carries no location leaves the URL alone"
ALIKE = "A session id that is only alike is another session"
CARELESS = "A session id that only a careless search takes for this one is another session"
ONE_PHONE = "A session is known by its id, not by its workspace and phone number"
ONLY_THE_ROW = "Only the row of the named session is written"
OTHER_WORKSPACE = "A webhook of another workspace changes nothing"
NULL_PHONE = "A phone number that is null counts as absent"
FROM_NOWHERE = "A row that is filled is a move from nowhere"
NO_WORKSPACE = "A webhook without a workspace is taken by its session alone"
LATE = "A late webhook does not undo a newer move"
BEHIND_A_WEBHOOK = "A send after a webhook uses the new instance though the old one still lists the session"
OUTLIVES = "A webhook that was accepted outlives a killed implementation"
INCIDENT = "The five steps of the incident end with the message delivered"

URL = "assigned_instance_url"


def tell_move(parts, account, old_url, new_url) -> None:
    """Log a webhook's move."""
    parts.log.info(Source.WEBHOOK.value, session_id=account.session_id, old_url=old_url, new_url=new_url)


def stores_url(account, url):
    """Say whether a row is assigned to a URL, a slash behind it or not."""
    return without_trailing_slash(account.assigned_instance_url or "") == without_trailing_slash(url or "")


@mutant("TIMELINE-01", INCIDENT)
def before_the_fix() -> None:
    """The control plane as it was at the incident."""
    serve = server.serve
    server.serve = lambda _build: serve(before_fix.build)


@mutant("WEBHOOK-01", READY)
def location_header_ignored() -> None:
    """X-Instance-Url is never read."""
    around_webhooks(lambda _parts, _account, _delivery, apply: apply(location=None))


@mutant("WEBHOOK-01", *rows(READY, "3004-3003"))
def last_instance_unknown_to_webhooks() -> None:
    """The last instance is missing from the known ones."""

    def act(parts, _account, delivery, apply):
        known = parts.settings.node_instances[:-1]
        return apply(location=delivery.location if delivery.location in known else None)

    around_webhooks(act)


@mutant("WEBHOOK-02", RECONNECT)
def session_reconnected_not_handled() -> None:
    """Only session_ready moves the URL; session_reconnected is answered 200 and ignored."""
    webhooks.LOCATION_EVENTS = frozenset({"session_ready"})


@mutant("WEBHOOK-02", RECONNECT, NULL_PHONE)
def phone_number_cleared_by_reconnect() -> None:
    """The phone number is overwritten even if the event has none."""
    changes = Event.changes
    Event.changes = lambda self: {**changes(self), "phone_number": self.phone_number}


@mutant("WEBHOOK-02", NULL_PHONE)
def null_phone_number_refused() -> None:
    """A webhook whose phone number is null is refused, because it is no text."""
    parse = Event.parse.__func__

    def parsed(cls, body):
        data = (json_object(body) or {}).get("data")
        if isinstance(data, dict) and data.get("phone_number", "") is None:
            raise WebhookError(422, "data.phone_number must be a text")
        return parse(cls, body)

    Event.parse = classmethod(parsed)


@mutant("WEBHOOK-02", NULL_PHONE)
def null_phone_number_stored_as_a_word() -> None:
    """A phone number that is null is stored as a text."""
    parse = Event.parse.__func__

    def parsed(cls, body):
        data = (json_object(body) or {}).get("data")
        event = parse(cls, body)
        is_null = isinstance(data, dict) and data.get("phone_number", "") is None
        return replace(event, phone_number="null") if is_null else event

    Event.parse = classmethod(parsed)


def _leave_alone(column) -> None:
    changes = Event.changes
    Event.changes = lambda self: {name: value for name, value in changes(self).items() if name != column}


@mutant("WEBHOOK-03", SAME_WRITE)
def status_left_alone() -> None:
    """The URL and the phone number are written, but not the status."""
    _leave_alone("status")


@mutant("WEBHOOK-03", SAME_WRITE)
def phone_number_left_alone() -> None:
    """The URL and the status are written, but not the phone number."""
    _leave_alone("phone_number")


@mutant("WEBHOOK-04", NO_HEADER, EMPTY_HEADER)
def missing_header_clears_the_url() -> None:
    """A webhook without X-Instance-Url clears the URL."""

    def act(parts, account, delivery, apply):
        if delivery.location is None:
            parts.accounts.write(account, {URL: None})
        return apply()

    around_webhooks(act)


@mutant("WEBHOOK-04", NO_HEADER, EMPTY_HEADER)
def missing_header_means_the_first_instance() -> None:
    """A webhook without X-Instance-Url counts as one of the first instance."""

    def act(parts, account, delivery, apply):
        if delivery.location is None:
            parts.accounts.write(account, {URL: parts.settings.node_instances[0]})
        return apply()

    around_webhooks(act)


@mutant("WEBHOOK-04", NO_HEADER, EMPTY_HEADER)
def webhook_without_header_ignored() -> None:
    """A webhook without X-Instance-Url is answered 200 and ignored."""
    around_webhooks(lambda _parts, _account, delivery, apply: delivery.location is not None and apply())


@mutant("WEBHOOK-05", LOGGED, FROM_NOWHERE)
def moves_not_logged() -> None:
    """A webhook's move is not logged."""
    around_log(lambda text, fields: None if text == Source.WEBHOOK.value else (text, fields))


@mutant("WEBHOOK-05", FROM_NOWHERE)
def filling_is_no_move() -> None:
    """The first URL of a row is written and not logged, because there was none to move from."""
    around_log(
        lambda text, fields: (
            None if text == Source.WEBHOOK.value and not fields["old_url"] else (text, fields)
        )
    )


@mutant("WEBHOOK-05", LOGGED, FROM_NOWHERE)
def old_url_read_behind_the_write() -> None:
    """The old URL in the log is read after the write, so both URLs are the same."""

    def act(text, fields):
        late = {**fields, "old_url": fields["new_url"]} if text == Source.WEBHOOK.value else fields
        return text, late

    around_log(act)


@mutant("WEBHOOK-06", FILLED)
def null_url_not_filled() -> None:
    """A null URL is never replaced, because SQL does not find null unequal to a text."""

    def act(_parts, account, delivery, apply):
        return apply(location=delivery.location if account.assigned_instance_url else None)

    around_webhooks(act)


@mutant(
    "WEBHOOK-07",
    *rows(
        OTHER_EVENT,
        "3002-session_disconnected",
        "3002-message_received",
        "3002-qr_code_generated",
        "3002-session_authenticated",
        "3002-message_delivered",
        "3002-session_ready_soon",
        "3002-something_new",
    ),
)
def every_event_moves_the_url() -> None:
    """X-Instance-Url counts for every event."""
    Event.carries_location = property(lambda _self: True)


@mutant("WEBHOOK-07", *rows(OTHER_EVENT, "3002-session_ready_soon"))
def events_told_by_their_beginning() -> None:
    """An event moves the URL if its name begins like one that does."""
    Event.carries_location = property(lambda self: self.name.startswith(("session_ready", "session_reconn")))


@mutant("WEBHOOK-07", *rows(OTHER_EVENT, "3001-session_disconnected"))
def disconnect_clears_the_url() -> None:
    """A disconnect reported by the assigned instance clears the URL."""

    def act(parts, account, delivery, apply):
        if delivery.event.name == "session_disconnected" and stores_url(account, delivery.location):
            parts.accounts.write(account, {URL: None})
        return apply()

    around_webhooks(act)


def _move_others_too(which) -> None:
    """Move other rows together with the session's."""

    @around(Accounts, "write_if_unmoved")
    def wrote(write, self, account, changes):
        written = write(self, account, changes)
        if written and URL in changes:
            with self._engine.connect() as connection:
                connection.execute(update(ACCOUNTS).where(which(account)).values({URL: changes[URL]}))
        return written


@mutant("WEBHOOK-08", ONLY_THE_ROW, ALIKE, CARELESS, ONE_PHONE)
def rows_of_the_workspace_moved() -> None:
    """The row is found by its workspace, which may have several."""
    _move_others_too(lambda account: ACCOUNTS.c.workspace_id == account.workspace_id)


@mutant("WEBHOOK-08", ONLY_THE_ROW, ALIKE, CARELESS, ONE_PHONE)
def rows_at_the_old_instance_moved() -> None:
    """Every row that was assigned to the old instance moves too."""
    _move_others_too(lambda account: ACCOUNTS.c.assigned_instance_url == account.assigned_instance_url)


@mutant(
    "WEBHOOK-08",
    ONLY_THE_ROW,
    *rows(ALIKE, "begins like", "differs in case from", "has hyphens for the underscores of"),
    *rows(
        CARELESS,
        "a percent sign-letters for the percent sign",
        "no blank at its end-a blank at its end",
    ),
)
def row_sought_by_the_beginning_of_its_id() -> None:
    """The row is found with LIKE and a percent sign after the session's id."""
    _move_others_too(lambda account: ACCOUNTS.c.session_id.startswith(account.session_id))


@mutant("WEBHOOK-12", LATE)
def late_webhooks_believed() -> None:
    """The last webhook to arrive wins, however old it is."""
    locations.is_believed = lambda _claimed, _assigned, *, doubtful: True  # noqa: ARG005 - called by name


@mutant("WEBHOOK-13", BEHIND_A_WEBHOOK)
def url_cached_under_another_key() -> None:
    """Rows are cached by account, and a webhook clears the cache by session."""
    read, write = Accounts.by_id, Accounts.write_if_unmoved
    cache = {}

    def cached(self, account_id):
        if account_id not in cache:
            cache[account_id] = read(self, account_id)
        return cache[account_id]

    def wrote(self, account, changes):
        cache.pop(account.session_id, None)
        return write(self, account, changes)

    Accounts.by_id, Accounts.write_if_unmoved = cached, wrote


@mutant("WEBHOOK-14", OTHER_WORKSPACE)
def workspace_not_compared() -> None:
    """The workspace of a webhook is not compared."""

    @around(Accounts, "by_session")
    def found(seek, self, session_id):
        account = seek(self, session_id)
        return None if account is None else replace(account, workspace_id=None)


@mutant("WEBHOOK-14", NO_WORKSPACE)
def workspace_demanded() -> None:
    """A webhook that names no workspace is refused."""
    parse = Event.parse.__func__

    def parsed(cls, body):
        event = parse(cls, body)
        if event.workspace_id is None:
            raise WebhookError(422, "data.workspace_id must be a whole number")
        return event

    Event.parse = classmethod(parsed)


@mutant("WEBHOOK-14", NO_WORKSPACE)
def absent_workspace_is_another() -> None:
    """A webhook that names no workspace counts as one of another workspace."""
    webhooks._is_of = lambda stored, said: stored is None or stored == said


@mutant("WEBHOOK-15", OUTLIVES, asynchronous=True)
def answered_before_it_is_stored() -> None:
    """Webhooks are answered before they are written."""

    def act(_parts, _account, _delivery, apply):
        later = threading.Timer(0.2, apply)
        later.daemon = True
        later.start()
        return True

    around_webhooks(act)
