"""Webhooks that go wrong because of what came before them."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from sqlalchemy import select

from reference_impl.edges.accounts import ACCOUNTS, READ_COLUMNS, Account
from reference_impl.edges.answers import Outcome, judge_post
from reference_impl.edges.instances import InstanceClient
from reference_impl.fix.health_check import HealthCheck
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.syncs import Source, Syncs
from reference_impl.fix.webhooks import Event, WebhookError, WebhookReceiver
from tests.mutants.machinery.combinations import combination
from tests.mutants.machinery.patching import around, around_log, around_webhooks

URL = "assigned_instance_url"


@combination(3)
def webhook_after_a_refused_message_ignored() -> None:
    """After an instance refused a message, the account counts as suspended, and its next webhook is ignored."""
    suspended = set()

    @around(InstanceClient, "post_message")
    async def posted(post, self, base, message):
        answer = await post(self, base, message)
        if judge_post(answer) is Outcome.REFUSED:
            suspended.add(message["session_id"])
        return answer

    def act(_parts, account, _delivery, own):
        if account.session_id in suspended:
            suspended.remove(account.session_id)
            return False
        return own()

    around_webhooks(act)


@combination(3)
def refused_claim_used_by_the_next_check() -> None:
    """A claim that was refused is kept as a hint, and the next check moves a wrong row there."""
    claimed = {}

    @around(LocationSync, "_judge")
    def judged(judge, self, account, delivery, **more):
        target, reason = judge(self, account, delivery, **more)
        named = self.parts.settings.configured(delivery.location)
        if target is None and named is not None:
            claimed[account.id] = named
        return target, reason

    @around(HealthCheck, "_correct")
    def corrected(correct, self, view, holder, report, **more):
        return correct(self, view, claimed.pop(view.account.id, holder), report, **more)


@combination(2)
def instance_whose_claim_was_refused_not_believed_later() -> None:
    """An instance whose claim of a session was refused once is not believed when the session comes to it."""
    refused = set()

    @around(LocationSync, "_judge")
    def judged(judge, self, account, delivery, **more):
        if (account.id, delivery.location) in refused:
            return None, "session_not_held"
        target, reason = judge(self, account, delivery, **more)
        if reason == "session_not_held":
            refused.add((account.id, delivery.location))
        return target, reason


@combination(2)
def phone_number_of_a_refused_webhook_used_by_the_next() -> None:
    """A webhook whose signature is refused leaves its phone number to the next one that brings none."""
    left = {}

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        try:
            return receive(self, headers, body)
        except WebhookError as error:
            if error.status == 401:
                with contextlib.suppress(WebhookError):
                    event = Event.parse(body)
                    left[event.session_id] = event.phone_number
            raise

    def act(_parts, _account, delivery, own):
        event = delivery.event
        if event.carries_location and event.phone_number is None:
            return own(event=replace(event, phone_number=left.pop(event.session_id, None)))
        return own()

    around_webhooks(act)


@combination(2)
def reconnect_after_a_disconnect_ignored() -> None:
    """After session_disconnected only session_ready is believed: a session_reconnected elsewhere is ignored."""
    disconnected = set()

    def act(_parts, account, delivery, own):
        if delivery.event.name == "session_disconnected":
            disconnected.add(account.id)
        elif delivery.event.name == "session_ready":
            disconnected.discard(account.id)
        elif delivery.event.carries_location and account.id in disconnected:
            return False
        return own()

    around_webhooks(act)


@combination(3)
def webhook_after_a_correction_taken_for_late() -> None:
    """After a check has moved a row, the account's next webhook is taken for one from before the move."""
    corrected = set()

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **more):
        done = write(self, view, new_url, source=source, **more)
        if done and source is Source.HEALTH_CHECK:
            corrected.add(view.account.id)
        return done

    def act(_parts, account, _delivery, own):
        if account.id in corrected:
            corrected.remove(account.id)
            return False
        return own()

    around_webhooks(act)


@combination(3)
def move_after_a_repair_logged_from_the_older_url() -> None:
    """After a send has repaired a row, a move by webhook is logged from the URL before the repair."""
    older = {}

    def act(text, fields):
        if text == Source.SEND.value:
            older[fields["session_id"]] = fields["old_url"]
        if text == Source.WEBHOOK.value:
            fields = {**fields, "old_url": older.pop(fields["session_id"], fields["old_url"])}
        return text, fields

    around_log(act)


@combination(3)
def neighbours_webhook_fills_an_empty_row() -> None:
    """A webhook of an account also fills the rows of its workspace that name no instance."""

    def act(parts, account, delivery, own):
        done = own()
        named = parts.settings.configured(delivery.location)
        empty = (ACCOUNTS.c.workspace_id == account.workspace_id) & ACCOUNTS.c.assigned_instance_url.is_(None)
        if done and delivery.event.carries_location and named is not None:
            with parts.accounts._engine.connect() as connection:
                rows = [
                    Account(**row)
                    for row in connection.execute(select(*READ_COLUMNS).where(empty)).mappings()
                ]
            for row in rows:
                parts.accounts.write(row, {URL: named})
        return done

    around_webhooks(act)


@combination(4)
def replay_believed_after_a_change_by_hand() -> None:
    """A replayed webhook counts as fresh where the row was changed by hand since it came."""
    stored = {}

    @around(LocationSync, "_apply_location")
    def applied(apply, self, account, delivery, *, replayed):
        known = stored.get(account.id)
        by_hand = known is not None and account.assigned_instance_url != known
        done = apply(self, account, delivery, replayed=replayed and not by_hand)
        row = self.parts.accounts.by_id(account.id)
        stored[account.id] = None if row is None else row.assigned_instance_url
        return done
