"""Sends and checks that go wrong because of what came before them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from reference_impl.edges.accounts import ACCOUNTS
from reference_impl.edges.answers import Holding, Outcome, judge_post
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.messages import SendError
from reference_impl.fix.health_check import HealthCheck
from reference_impl.fix.sender import Sender
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.machinery.combinations import combination
from tests.mutants.machinery.patching import around, around_sends, around_webhooks

A_MINUTE = 60.0


@combination(4)
def checks_leave_a_flapping_row() -> None:
    """A session that webhooks moved twice in a row counts as flapping: checks leave its row."""
    moves = {}

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **more):
        account = view.account
        done = write(self, view, new_url, source=source, **more)
        if done and not account.is_at(new_url):
            moves[account.id] = moves.get(account.id, 0) + 1 if source is Source.WEBHOOK else 0
        return done

    @around(HealthCheck, "_correct")
    def corrected(correct, self, view, holder, report, **more):
        if moves.get(view.account.id, 0) >= 2:
            report.failed += 1
        else:
            correct(self, view, holder, report, **more)


@combination(4)
def row_written_shortly_before_the_start_trusted() -> None:
    """The first send after a start trusts a row that was written in the minute before, and asks nobody."""
    started, asked = datetime.now(UTC).replace(tzinfo=None), set()

    @around(Sender, "_verify")
    def verified(verify, self, account, assigned, trip):
        first = account.id not in asked
        asked.add(account.id)
        if first and assigned is not None:
            written = select(ACCOUNTS.c.updated_at).where(ACCOUNTS.c.id == account.id)
            with self.parts.accounts._engine.connect() as connection:
                at = connection.execute(written).scalar()
            if at is not None and started - timedelta(seconds=A_MINUTE) < at < started:
                self._report_verified(account.session_id, assigned)
                return Holding.HELD
        return verify(self, account, assigned, trip)


@combination(5)
def empty_row_filled_with_a_neighbours_move() -> None:
    """A check fills an empty row with the URL to which a send has moved another account of the workspace."""
    moved = {}

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **more):
        account = view.account
        if source is Source.HEALTH_CHECK and account.assigned_instance_url is None:
            new_url = moved.get(account.workspace_id, new_url)
        done = write(self, view, new_url, source=source, **more)
        if done and source is Source.SEND and account.assigned_instance_url is not None:
            moved[account.workspace_id] = new_url
        return done


@combination(4)
def message_after_a_refusal_and_a_move_posted_twice() -> None:
    """Where an instance refused a message and the session has moved since, the next message is posted twice."""
    refused = {}

    @around(InstanceClient, "post_message")
    async def posted(post, self, base, message):
        session_id = message["session_id"]
        answer = await post(self, base, message)
        if judge_post(answer) is Outcome.REFUSED:
            refused[session_id] = base
        elif judge_post(answer) is Outcome.SENT and refused.pop(session_id, base) != base:
            answer = await post(self, base, message)
        return answer


@combination(3)
def check_applies_what_a_dry_run_found() -> None:
    """A check within a minute after a dry run does not look again: it does what the dry run found."""
    kept = {}

    @around(HealthCheck, "_check")
    def checked(check, self, view, rosters, report, *, at):
        then, found = kept.pop(view.account.id, (0.0, rosters))
        if at is None:
            kept[view.account.id] = time.monotonic(), rosters
        elif time.monotonic() - then < A_MINUTE:
            rosters = found
        check(self, view, rosters, report, at=at)


@combination(4)
def session_once_held_twice_left_out_of_checks() -> None:
    """A session that a check has met on two instances at once is left to people: later checks pass it over."""
    twice = set()

    @around(HealthCheck, "_check")
    def checked(check, self, view, rosters, report, **more):
        account = view.account
        if account.id in twice:
            report.failed += 1
            return
        held = [one for one in rosters.values() if one and account.session_id in one.connected]
        if len(held) > 1:
            twice.add(account.id)
        check(self, view, rosters, report, **more)


@combination(4)
def unverifiable_session_left_out_of_checks() -> None:
    """A session that a send could not verify is left out of checks, until a webhook of it comes."""
    left_out = set()

    def act(_parts, account_id, _message, send):
        try:
            return send()
        except SendError as error:
            if error.code == "session_unverifiable":
                left_out.add(account_id)
            raise

    def heard(_parts, account, _delivery, own):
        left_out.discard(account.id)
        return own()

    @around(HealthCheck, "_check")
    def checked(check, self, view, rosters, report, **more):
        if view.account.id in left_out:
            report.unreachable += 1
        else:
            check(self, view, rosters, report, **more)

    around_sends(act)
    around_webhooks(heard)


@combination(4)
def checks_pass_over_what_a_webhook_said_and_a_send_confirmed() -> None:
    """Where a send has confirmed what a webhook said, checks pass over the session for a while."""
    announced, confirmed = {}, {}

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **more):
        done = write(self, view, new_url, source=source, **more)
        if done and source is Source.WEBHOOK and not view.account.is_at(new_url):
            announced[view.account.session_id] = new_url
        return done

    @around(Sender, "_report_verified")
    def reported(report, self, session_id, assigned):
        if announced.get(session_id) == assigned:
            confirmed[session_id] = time.monotonic()
        report(self, session_id, assigned)

    @around(HealthCheck, "_check")
    def checked(check, self, view, rosters, report, **more):
        at = confirmed.get(view.account.session_id)
        if at is not None and time.monotonic() - at < A_MINUTE:
            report.verified += 1
        else:
            check(self, view, rosters, report, **more)


@combination(3)
def empty_row_left_while_an_instance_is_silent() -> None:
    """While any instance cannot be asked, a check leaves rows that name no instance as they are."""

    @around(HealthCheck, "_check")
    def checked(check, self, view, rosters, report, **more):
        if None in rosters.values() and view.account.assigned_instance_url is None:
            report.unreachable += 1
        else:
            check(self, view, rosters, report, **more)


@combination(3)
def session_marked_as_failed_not_looked_for() -> None:
    """A wrong row whose status is failed is not repaired by a send, although the session is connected elsewhere."""

    @around(Sender, "_verify")
    def verified(verify, self, account, assigned, trip):
        holding = verify(self, account, assigned, trip)
        if holding is not Holding.HELD and account.status == "failed":
            raise SendError("session_not_found", "The session has failed, the message was not sent.")
        return holding
