"""Sending with the fix: verify, scan, compare and set, post, judge the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_impl.edges.answers import Holding, Outcome, judge_post
from reference_impl.edges.messages import Message, SendError, Sent, failure
from reference_impl.fix.locator import Finding, moment
from reference_impl.fix.syncs import Source, View

if TYPE_CHECKING:
    from reference_impl.edges.accounts import Account
    from reference_impl.server import Parts

MOST_POSTS = 4
MOST_ROUNDS = 4
"""How often one send tries to agree with the row about the holder, while others keep writing the row."""


class Sender:
    """Sends messages to wherever their session is; safe to use from any thread."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def send(self, account_id: int, message: Message) -> Sent:
        """Send a message once; otherwise raise SendError with the truth about what happened.

        Another POST is made only when the last one certainly sent nothing, and after a new verification or scan.
        """
        parts, trip, posts = self.parts, Trip(since=moment()), 0
        while True:
            account, base = self._locate(account_id, trip)
            answer = parts.loop.run(parts.client.post_message(base, message.payload(account)))
            posts += 1
            outcome = judge_post(answer)
            if outcome is Outcome.SENT:
                return Sent(answer.text("message_id"), base)
            trip.refusal = failure(outcome, answer, base, parts.settings.secrets)
            trip.since = moment()
            if posts == MOST_POSTS or not _may_try_again(outcome, base, trip):
                raise trip.refusal

    def _locate(self, account_id: int, trip: Trip) -> tuple[Account, str]:
        """Return the row and the instance to POST to, after moving the row there if need be."""
        parts, rounds = self.parts, 0
        while True:
            view, session_id = self._read(account_id)
            assigned = parts.settings.configured(view.account.assigned_instance_url)
            asked_at = moment()
            holding = self._verify(view.account, assigned, trip)
            if assigned is not None and holding is Holding.HELD:
                return view.account, assigned
            # An instance that failed at once may only have hiccuped; one that took all its time gets no more.
            timed_out = holding is Holding.UNKNOWN and moment() - asked_at >= parts.settings.verify_timeout
            mute = assigned if timed_out else None
            scan = parts.locator.scan(
                session_id, moment(), assigned=assigned, ignoring=trip.ignoring, mute=mute
            )
            finding = parts.loop.run(scan)
            holder = finding.holder
            parts.monitoring.attempted(found=holder is not None)
            if holder is None:
                raise self._not_found(session_id, finding, trip)
            if holder == assigned:
                self._report_verified(session_id, assigned)
                return view.account, holder
            if parts.syncs.write(view, holder, source=Source.SEND, at=finding.began_at):
                return view.account, holder
            # Somebody else wrote the row meanwhile: another send the same, or a webhook something newer.
            view, _ = self._read(account_id)
            rounds += 1
            if view.account.is_at(holder) or rounds == MOST_ROUNDS:
                return view.account, holder
            trip.since = moment()

    def _read(self, account_id: int) -> tuple[View, str]:
        view = self.parts.syncs.view(account_id)
        if view is None:
            raise SendError("account_not_found", f"There is no account {account_id}.")
        if not view.account.session_id:
            raise SendError("session_not_found", f"Account {account_id} has no session.")
        return view, view.account.session_id

    def _verify(self, account: Account, assigned: str | None, trip: Trip) -> Holding:
        """Ask the assigned instance whether it holds the session, and report the answer."""
        if assigned in trip.ignoring:
            return Holding.ABSENT
        holding, session_id = Holding.ABSENT, account.session_id or ""
        if assigned is not None:
            holding = self.parts.loop.run(self.parts.locator.ask(assigned, session_id, trip.since))
        if holding is Holding.HELD:
            self._report_verified(session_id, assigned)
        else:
            self._report_unverified(account, trip)
        return holding

    def _report_verified(self, session_id: str, assigned: str | None) -> None:
        self.parts.monitoring.verified()
        self.parts.log.info(
            "Session verified in assigned instance", session_id=session_id, instance_url=assigned
        )

    def _report_unverified(self, account: Account, trip: Trip) -> None:
        """Report a verification failure, once a send."""
        if not trip.failure_reported:
            trip.failure_reported = True
            self.parts.monitoring.verification_failed()
            self.parts.log.warning(
                "Session not found in assigned instance, attempting sync...",
                session_id=account.session_id,
                instance_url=account.assigned_instance_url,
            )

    def _not_found(self, session_id: str, finding: Finding, trip: Trip) -> SendError:
        listed, unasked = finding.instances(Holding.NOT_CONNECTED), finding.instances(Holding.UNKNOWN)
        if trip.refusal is not None and trip.ignoring & {*listed, *finding.instances(Holding.HELD)}:
            return trip.refusal
        if unasked:
            self.parts.log.error("Session could not be verified", session_id=session_id, unasked=unasked)
            sentence = "Session could not be verified, the message was not sent; not asked: "
            return SendError("session_unverifiable", sentence + ", ".join(unasked))
        self.parts.log.error("Session not found in any Node.js instance", session_id=session_id)
        sentence = "Session not found in any Node.js instance, the message was not sent"
        but = f"; listed, but not connected: {', '.join(listed)}" if listed else ""
        return SendError("session_not_found", sentence + but)


@dataclass
class Trip:
    """What one send has learnt so far."""

    since: float
    """No answer to an older question counts."""
    failure_reported: bool = False
    refusal: SendError | None = None
    gone_from: frozenset[str] = frozenset()
    """The instance that has just answered 404, whatever it lists."""
    not_connected: frozenset[str] = frozenset()
    """Instances that answered `Session not connected`; they get no further POST."""

    @property
    def ignoring(self) -> frozenset[str]:
        """The instances that are not believed to hold the session."""
        return self.gone_from | self.not_connected


def _may_try_again(outcome: Outcome, base: str, trip: Trip) -> bool:
    """Return whether another POST is permitted; record on the trip what it must avoid."""
    if outcome is Outcome.NOT_THERE:
        trip.gone_from = frozenset({base})
    if outcome is Outcome.NOT_CONNECTED:
        trip.not_connected |= {base}
    return outcome in {Outcome.NOT_THERE, Outcome.NOT_CONNECTED, Outcome.NEVER_REACHED}
