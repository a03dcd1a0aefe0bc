"""Mistakes in asking the assigned instance whether it holds the session."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_impl.before_fix import StraightSender
from reference_impl.edges import instances
from reference_impl.edges.answers import Holding, Roster
from reference_impl.edges.messages import SendError
from reference_impl.fix import sender
from reference_impl.fix.locator import Locator, moment
from tests.mutants.machinery.patching import around_log, around_sends, with_environment
from tests.mutants.machinery.registry import mutant, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_impl.edges.messages import Message, Sent
    from reference_impl.server import Parts

HAND_SET = "The row is back on the holder after one message"
GREPPED = "The log has the line that the document greps for"
ASKED_FIRST = "The assigned instance is asked first"
AS_IT_STANDS = "A verified session is used as it stands"
MOVED_SILENTLY = "A session that moved silently between two sends is found at the second"
SESSIONS_OF_OTHERS = "Sessions of others in the assigned instance are not mistaken for this one"
ALIKE = "A session id that is only alike does not count"
NEVER_ANSWERS = "An instance that never answers delays a send by one verify timeout"
DEFAULT_TIMEOUT = "Without a setting an instance is given 3 seconds, and no more"
UNUSABLE = "An answer that cannot be used leads to a scan"

VERIFIED = "Session verified in assigned instance"
SYNCED = "Instance sync successful! Database updated"


class UncaughtError(Exception):
    """What nobody expects."""


def _answers_judged_by(judge: Callable[[Holding], Holding]) -> None:
    """Have what an instance said of the session understood in another way."""
    ask = Locator.ask

    async def asked(self: Locator, base: str, session_id: str, since: float) -> Holding:
        return judge(await ask(self, base, session_id, since))

    Locator.ask = asked


def _ids_matched_by(matches: Callable[[str, str], bool]) -> None:
    """Have the session's id compared in another way with each one that is listed."""

    def holding(self: Roster, session_id: str) -> Holding:
        held = any(matches(session_id, one) for one in self.connected)
        return Holding.HELD if held else Holding.ABSENT

    Roster.holding = holding


@mutant("MANUAL-01", HAND_SET)
def other_error_than_the_one_looked_for() -> None:
    """A missing session raises a general error; what would look for it elsewhere waits for another type."""

    def judge(holding: Holding) -> Holding:
        if holding is Holding.ABSENT:
            raise SendError("rejected_by_instance", "The instance answered 404.")
        return holding

    _answers_judged_by(judge)


@mutant("MANUAL-02", GREPPED)
def log_lines_reworded() -> None:
    """Verification and repair are logged in words that nobody greps for."""
    around_log(lambda text, fields: ("Session ok" if text in {VERIFIED, SYNCED} else text, fields))


@mutant("VERIFY-01", ASKED_FIRST)
def verification_never_called() -> None:
    """Verification and scan were written, and are not called when a message is sent."""
    sender.Sender = StraightSender


@mutant("VERIFY-01", ASKED_FIRST)
def posted_first_and_asked_afterwards() -> None:
    """The message is posted to the assigned instance straight away; instances are asked if that fails."""

    def act(parts: Parts, account_id: int, message: Message, send: Callable[[], Sent]) -> Sent:
        try:
            return StraightSender(parts).send(account_id, message)
        except SendError:
            return send()

    around_sends(act)


@mutant("VERIFY-01", *rows(ASKED_FIRST, "3001-3004"))
def instances_asked_in_order() -> None:
    """Instances are asked in their order, whatever the row says, until one holds the session."""
    ask = Locator.ask

    async def asked(self: Locator, base: str, session_id: str, since: float) -> Holding:
        for one in self._instances:
            if await ask(self, one, session_id, since) is Holding.HELD:
                return Holding.HELD if one == base else Holding.ABSENT
        return Holding.ABSENT

    Locator.ask = asked


@mutant("VERIFY-02", AS_IT_STANDS)
def verified_row_written() -> None:
    """The row is saved behind each send, whether or not it changed."""

    def act(parts: Parts, account_id: int, _message: Message, send: Callable[[], Sent]) -> Sent:
        sent = send()
        account = parts.accounts.by_id(account_id)
        parts.accounts.write(replace(account, status=None), {"status": account.status})
        return sent

    around_sends(act)


@mutant("VERIFY-02", AS_IT_STANDS)
def verification_not_logged() -> None:
    """Only what goes wrong is logged."""
    around_log(lambda text, fields: None if text == VERIFIED else (text, fields))


@mutant("VERIFY-02", AS_IT_STANDS)
def verified_message_sent_twice() -> None:
    """The job that sends is run again after it succeeded."""

    def act(_parts: Parts, _account_id: int, _message: Message, send: Callable[[], Sent]) -> Sent:
        send()
        return send()

    around_sends(act)


@mutant("VERIFY-03", MOVED_SILENTLY)
def verification_remembered() -> None:
    """A session that was verified once counts as verified for a while."""
    ask = Locator.ask
    verified: set[tuple[str, str]] = set()

    async def asked(self: Locator, base: str, session_id: str, since: float) -> Holding:
        if (base, session_id) in verified:
            return Holding.HELD
        holding = await ask(self, base, session_id, since)
        if holding is Holding.HELD:
            verified.add((base, session_id))
        return holding

    Locator.ask = asked


@mutant("VERIFY-04", SESSIONS_OF_OTHERS, ALIKE)
def any_session_counts() -> None:
    """An instance that holds any session at all counts as the holder."""
    _ids_matched_by(lambda _own, _listed: True)


@mutant("VERIFY-04", *rows(ALIKE, "contains", "begins like", "ends like"))
def id_sought_in_the_text() -> None:
    """The session's id is sought anywhere in what the instance lists."""
    _ids_matched_by(lambda own, listed: own in listed)


@mutant("VERIFY-04", *rows(ALIKE, "is the beginning of"))
def id_compared_as_far_as_listed() -> None:
    """Ids are compared as far as the listed one goes, because some lists cut them off."""
    _ids_matched_by(lambda own, listed: own.startswith(listed))


@mutant("VERIFY-04", *rows(ALIKE, "differs in case from"))
def id_compared_without_case() -> None:
    """Ids are compared as a database without regard to case does it."""
    _ids_matched_by(lambda own, listed: own.lower() == listed.lower())


@mutant("VERIFY-04", *rows(ALIKE, "begins like"))
def id_compared_as_far_as_asked() -> None:
    """A listed session counts when its id begins like the one that is asked for."""
    _ids_matched_by(lambda own, listed: listed.startswith(own))


@mutant("VERIFY-04", *rows(ALIKE, "ends like"))
def id_compared_by_its_end() -> None:
    """A listed session counts when its id ends like the one that is asked for."""
    _ids_matched_by(lambda own, listed: listed.endswith(own))


@mutant("VERIFY-04", *rows(ALIKE, "is the end of"))
def id_compared_behind_a_prefix() -> None:
    """Ids are compared as if some lists left out what stands before them."""
    _ids_matched_by(lambda own, listed: own.endswith(listed))


def _fail_where_unknown(holding: Holding) -> Holding:
    if holding is Holding.UNKNOWN:
        raise SendError("session_unverifiable", "The instance did not answer.")
    return holding


@mutant("VERIFY-05", NEVER_ANSWERS)
def time_out_fails_the_send() -> None:
    """An instance that does not answer in time ends the send, without a look at the others."""
    _answers_judged_by(_fail_where_unknown)


@mutant("VERIFY-05", NEVER_ANSWERS)
def asked_three_times() -> None:
    """An instance that does not answer is asked twice more, with a whole timeout each time."""
    ask = Locator.ask

    async def asked(self: Locator, base: str, session_id: str, _since: float) -> Holding:
        for _ in range(3):
            holding = await ask(self, base, session_id, moment())
            if holding is not Holding.UNKNOWN:
                break
        return holding

    Locator.ask = asked


@mutant("VERIFY-05", NEVER_ANSWERS)
def send_timeout_used_for_verification() -> None:
    """A verification may take as long as the POST of a message."""
    with_environment(lambda given: {"VERIFY_TIMEOUT": given["SEND_TIMEOUT"]})


@mutant("VERIFY-06", DEFAULT_TIMEOUT)
def default_timeout_of_five_seconds() -> None:
    """Where no verify timeout is set, an instance is given 5 seconds."""
    with_environment(lambda given: {"VERIFY_TIMEOUT": given.get("VERIFY_TIMEOUT", "5")})


@mutant("VERIFY-06", DEFAULT_TIMEOUT)
def default_timeout_of_one_second() -> None:
    """Where no verify timeout is set, an instance is given 1 second."""
    with_environment(lambda given: {"VERIFY_TIMEOUT": given.get("VERIFY_TIMEOUT", "1")})


@mutant("VERIFY-07", UNUSABLE)
def unusable_answer_fails_the_send() -> None:
    """A refused connection, an error or garbage is handed on to the user, without a look at the others."""
    _answers_judged_by(_fail_where_unknown)


@mutant("VERIFY-07", UNUSABLE)
def unusable_answer_counts_as_verified() -> None:
    """An instance that cannot be asked is trusted to hold the session."""
    _answers_judged_by(lambda holding: Holding.HELD if holding is Holding.UNKNOWN else holding)


@mutant("VERIFY-07", *rows(UNUSABLE, "answers an empty body", "answers broken JSON"), crashes=True)
def broken_json_crashes() -> None:
    """Nobody catches that an answer is not JSON."""
    parse = instances.json_object

    def trusting(body: bytes) -> dict[str, Any] | None:
        try:
            json.loads(body)
        except ValueError as error:
            raise UncaughtError from error
        return parse(body)

    instances.json_object = trusting


@mutant("VERIFY-07", *rows(UNUSABLE, "answers a list", "answers null", "answers a number"), crashes=True)
def other_shapes_crash() -> None:
    """Any JSON is taken for an object."""
    parse = instances.json_object
    instances.json_object = lambda body: parse(body) if json.loads(body).keys() else None


@mutant("VERIFY-07", *rows(UNUSABLE, "answers without sessions", "answers without details"), crashes=True)
def missing_keys_crash() -> None:
    """The keys on the way to the list of sessions are taken for granted."""
    instances.detailed_list = lambda answer: answer["sessions"]["details"]
