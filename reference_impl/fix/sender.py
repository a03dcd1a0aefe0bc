"""Sending with the fix: verify, scan if need be, POST, and look again where another POST is permitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reference_impl.edges.answers import Holding, Outcome, judge_post, message_id_given
from reference_impl.edges.messages import Message, SendError, Sent, failure
from reference_impl.fix.locator import moment
from reference_impl.fix.syncs import Source

if TYPE_CHECKING:
    from reference_impl.edges.accounts import Account
    from reference_impl.fix.locator import Finding
    from reference_impl.fix.syncs import View
    from reference_impl.parts import Parts

MOST_POSTS = 4
MOST_ROUNDS = 4
"""Tries of one send to agree with the row about the holder, while others keep writing the row."""


@dataclass
class _Trip:
    """What one send has learnt so far."""

    since: float
    """No answer to a question older than this moment counts."""
    failure_told: bool = False
    refusal: SendError | None = None
    gone_from: frozenset[str] = frozenset()
    """The instance that has just answered 404, whatever it lists."""
    not_connected: frozenset[str] = field(default_factory=frozenset)
    """Instances that answered `Session not connected`; they get no further POST."""

    @property
    def ignoring(self) -> frozenset[str]:
        return self.gone_from | self.not_connected


class Sender:
    """Sends messages to wherever their session is; safe to use from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._settings = parts.settings
        self._syncs = parts.syncs
        self._locator = parts.locator
        self._client = parts.client
        self._loop = parts.loop
        self._log = parts.log
        self._monitoring = parts.monitoring

    def send(self, account_id: int, message: Message) -> Sent:
        """Send a message once; raises SendError with the truth about what happened otherwise.

        A second POST follows only what certainly sent nothing, and only behind a new verification or scan.
        """
        trip = _Trip(since=moment())
        posts = 0
        while True:
            account, base = self._locate(account_id, trip)
            answer = self._loop.run(self._client.post_message(base, message.payload(account)))
            posts += 1
            outcome = judge_post(answer)
            if outcome is Outcome.SENT:
                return Sent(message_id_given(answer), base)
            trip.refusal = failure(outcome, answer, base, self._settings.secrets)
            trip.since = moment()
            if posts == MOST_POSTS or not _may_try_again(outcome, base, trip):
                raise trip.refusal

    def _locate(self, account_id: int, trip: _Trip) -> tuple[Account, str]:
        """Return the row and the instance to POST to, the row moved there if need be."""
        rounds = 0
        while True:
            view, session_id = self._read(account_id)
            assigned = self._settings.configured(view.account.assigned_instance_url)
            asked_at = moment()
            known = self._verify(session_id, assigned, trip)
            if assigned is not None and known is Holding.HELD:
                return view.account, assigned
            if assigned is None or assigned not in trip.ignoring:
                self._tell_failure(view.account, trip)
            # One that failed at once may only have hiccuped; one that took all its time gets no more of it.
            silent = moment() - asked_at >= self._settings.verify_timeout
            mute = assigned if known is Holding.UNKNOWN and silent else None
            finding = self._loop.run(
                self._locator.scan(
                    session_id, trip.since, assigned=assigned, ignoring=trip.ignoring, mute=mute
                )
            )
            self._monitoring.attempted(found=finding.holder is not None)
            if finding.holder is None:
                raise self._not_found(session_id, finding, trip)
            if finding.holder == assigned:
                self._tell_verified(session_id, assigned)
                return view.account, assigned
            if self._syncs.write(view, finding.holder, source=Source.SEND, at=finding.began_at):
                return view.account, finding.holder
            # Somebody else wrote the row meanwhile: another send the same, or a webhook something newer.
            view, _ = self._read(account_id)
            stored = self._settings.configured(view.account.assigned_instance_url)
            rounds += 1
            if stored == finding.holder or rounds == MOST_ROUNDS:
                return view.account, finding.holder
            trip.since = moment()

    def _read(self, account_id: int) -> tuple[View, str]:
        view = self._syncs.view(account_id)
        if view is None:
            raise SendError("account_not_found", f"There is no account {account_id}.")
        if not view.account.session_id:
            raise SendError("session_not_found", f"Account {account_id} has no session.")
        return view, view.account.session_id

    def _verify(self, session_id: str, assigned: str | None, trip: _Trip) -> Holding:
        if assigned is None or assigned in trip.ignoring:
            return Holding.ABSENT
        holding = self._loop.run(self._locator.ask(assigned, session_id, trip.since))
        if holding is Holding.HELD:
            self._tell_verified(session_id, assigned)
        return holding

    def _tell_verified(self, session_id: str, assigned: str) -> None:
        self._monitoring.verified()
        self._log.info("Session verified in assigned instance", session_id=session_id, instance_url=assigned)

    def _tell_failure(self, account: Account, trip: _Trip) -> None:
        """Report a verification failure, once a send."""
        if not trip.failure_told:
            trip.failure_told = True
            self._monitoring.verification_failed()
            self._log.warning(
                "Session not found in assigned instance, attempting sync...",
                session_id=account.session_id,
                instance_url=account.assigned_instance_url,
            )

    def _not_found(self, session_id: str, finding: Finding, trip: _Trip) -> SendError:
        listed = finding.instances(Holding.NOT_CONNECTED)
        if trip.refusal is not None and trip.ignoring & {*listed, *finding.instances(Holding.HELD)}:
            return trip.refusal
        unasked = finding.instances(Holding.UNKNOWN)
        if unasked:
            self._log.error("Session could not be verified", session_id=session_id, unasked=unasked)
            sentence = (
                f"Session could not be verified, the message was not sent; not asked: {', '.join(unasked)}"
            )
            return SendError("session_unverifiable", sentence)
        self._log.error("Session not found in any Node.js instance", session_id=session_id)
        sentence = "Session not found in any Node.js instance, the message was not sent"
        if listed:
            sentence += f"; listed, but not connected: {', '.join(listed)}"
        return SendError("session_not_found", sentence)


def _may_try_again(outcome: Outcome, base: str, trip: _Trip) -> bool:
    """Say whether another POST is permitted, and note on the trip what it must not do."""
    if outcome is Outcome.NOT_THERE:
        trip.gone_from = frozenset({base})
        return True
    if outcome is Outcome.NOT_CONNECTED:
        first_time = not trip.not_connected
        trip.not_connected |= {base}
        return first_time
    return outcome is Outcome.NEVER_REACHED
