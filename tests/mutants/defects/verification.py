"""Mistakes in asking the assigned instance whether it holds the session."""

from __future__ import annotations

import json
from dataclasses import replace

from reference_impl.before_fix import StraightSender
from reference_impl.edges import instances
from reference_impl.edges.answers import Holding, Roster
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.messages import SendError
from reference_impl.fix import sender
from reference_impl.fix.locator import Locator, moment
from reference_impl.fix.syncs import Syncs
from reference_impl.settings import Settings
from tests.mutants.machinery.patching import around, around_log, around_sends, with_environment
from tests.mutants.machinery.registry import mutant, rows

HAND_SET = "The row is back on the holder after one message"
GREPPED = "The log has the line that the document greps for"
ASKED_FIRST = "The assigned instance is asked first"
AS_IT_STANDS = "A verified session is used as it stands"
MOVED_SILENTLY = "A session that moved silently between two sends is found at the second"
SESSIONS_OF_OTHERS = "Sessions of others in the assigned instance are not mistaken for this one"
ALIKE = "A session id that is only alike does not count"
OLDER_QUESTION = "A send does not go by an answer to an older question"
SLASH = "A row whose URL ends in a slash is used as it stands"
SLASH_REPAIRED = "A row whose URL ends in a slash is repaired like any other"
NEVER_ANSWERS = "An instance that never answers delays a send by one verify timeout"
DEFAULT_TIMEOUT = "Without a setting an instance is given 3 seconds, and no more"
UNUSABLE = "An answer that cannot be used leads to a scan"

VERIFIED = "Session verified in assigned instance"
SYNCED = "Instance sync successful! Database updated"


class UncaughtError(Exception):
    """An error that nothing catches."""


def _answers_judged_by(judge) -> None:
    """Change what an instance's answer means."""

    @around(Locator, "ask")
    async def asked(ask, self, base, session_id, since):
        return judge(await ask(self, base, session_id, since))


def _ids_matched_by(matches) -> None:
    """Change how the session's id is compared with each listed one."""

    def holding(self, session_id):
        held = any(matches(session_id, one) for one in self.connected)
        return Holding.HELD if held else Holding.ABSENT

    Roster.holding = holding


@mutant("MANUAL-01", HAND_SET)
def other_error_than_the_one_looked_for() -> None:
    """A missing session raises another error than the one that starts a scan."""

    def judge(holding):
        if holding is Holding.ABSENT:
            raise SendError("rejected_by_instance", "The instance answered 404.")
        return holding

    _answers_judged_by(judge)


@mutant("MANUAL-02", GREPPED)
def log_lines_reworded() -> None:
    """Verification and repair are logged in other words than the document's."""
    around_log(lambda text, fields: ("Session ok" if text in {VERIFIED, SYNCED} else text, fields))


@mutant("VERIFY-01", ASKED_FIRST)
def verification_never_called() -> None:
    """Verification and scan exist, but sends do not call them."""
    sender.Sender = StraightSender


@mutant("VERIFY-01", ASKED_FIRST)
def posted_first_and_asked_afterwards() -> None:
    """The message is posted to the assigned instance at once; instances are asked only if that fails."""

    def act(parts, account_id, message, send):
        try:
            return StraightSender(parts).send(account_id, message)
        except SendError:
            return send()

    around_sends(act)


@mutant("VERIFY-01", *rows(ASKED_FIRST, "3001-3004"))
def instances_asked_in_order() -> None:
    """Instances are asked in their order until one holds the session, whatever the row says."""

    @around(Locator, "ask")
    async def asked(ask, self, base, session_id, since):
        for one in self._instances:
            if await ask(self, one, session_id, since) is Holding.HELD:
                return Holding.HELD if one == base else Holding.ABSENT
        return Holding.ABSENT


@mutant("VERIFY-02", AS_IT_STANDS)
def verified_row_written() -> None:
    """The row is written after each send, whether or not it changed."""

    def act(parts, account_id, _message, send):
        sent = send()
        account = parts.accounts.by_id(account_id)
        parts.accounts.write(replace(account, status=None), {"status": account.status})
        return sent

    around_sends(act)


@mutant("VERIFY-02", AS_IT_STANDS)
def verification_not_logged() -> None:
    """Successful verifications are not logged."""
    around_log(lambda text, fields: None if text == VERIFIED else (text, fields))


@mutant("VERIFY-02", AS_IT_STANDS)
def verified_message_sent_twice() -> None:
    """Each message is sent twice."""

    def act(_parts, _account_id, _message, send):
        send()
        return send()

    around_sends(act)


def remember_verifications(seconds) -> None:
    """Take a session that was verified in its assigned instance for verified during so many seconds."""
    verified = {}

    @around(sender.Sender, "_verify")
    def remembered(verify, self, account, assigned, trip):
        known = verified.get((assigned, account.session_id), -seconds)
        if assigned not in trip.ignoring and moment() - known < seconds:
            return Holding.HELD
        holding = verify(self, account, assigned, trip)
        if holding is Holding.HELD:
            verified[assigned, account.session_id] = moment()
        return holding


@mutant("VERIFY-03", MOVED_SILENTLY)
def verification_remembered() -> None:
    """A session that was verified once counts as verified for a while."""
    remember_verifications(60.0)


@mutant("VERIFY-03", OLDER_QUESTION)
def open_question_shared_with_everybody() -> None:
    """A send that finds a question open uses its answer, though it was asked before the send came."""

    @around(Locator, "_question")
    async def shared(question, self, base, since):
        still_open = base in self._latest and not self._latest[base][1].done()
        return await question(self, base, 0.0 if still_open else since)


def _configured_by(find) -> None:
    Settings.configured = lambda self, url: find(self, url or "")


@mutant("VERIFY-14", SLASH)
def slash_makes_another_instance_of_it() -> None:
    """A URL with a slash behind is none of the configured ones."""
    _configured_by(lambda self, url: url if url in self.node_instances else None)


@mutant("VERIFY-14", SLASH)
def slash_kept_in_the_call() -> None:
    """A URL with a slash behind is called as it is, with two slashes in the middle."""
    _configured_by(lambda self, url: url if url.removesuffix("/") in self.node_instances else None)
    InstanceClient._url = lambda _self, base, target: base + target


@mutant("VERIFY-14", SLASH_REPAIRED)
def row_with_a_slash_never_repaired() -> None:
    """A row is repaired if it has the very URL that was asked, which has no slash behind."""

    @around(Syncs, "write")
    def written(write, self, view, new_url, **more):
        if (view.account.assigned_instance_url or "").endswith("/"):
            return False
        return write(self, view, new_url, **more)


@mutant("VERIFY-04", SESSIONS_OF_OTHERS, ALIKE)
def any_session_counts() -> None:
    """An instance that holds any session at all counts as the holder."""
    _ids_matched_by(lambda _own, _listed: True)


@mutant("VERIFY-04", *rows(ALIKE, "contains", "begins like", "ends like"))
def id_sought_in_the_text() -> None:
    """A listed session counts if its id contains the requested one."""
    _ids_matched_by(lambda own, listed: own in listed)


@mutant("VERIFY-04", *rows(ALIKE, "is the beginning of"))
def id_compared_as_far_as_listed() -> None:
    """A listed session counts if the requested id begins with its id."""
    _ids_matched_by(lambda own, listed: own.startswith(listed))


@mutant("VERIFY-04", *rows(ALIKE, "differs in case from"))
def id_compared_without_case() -> None:
    """Ids are compared without regard to case."""
    _ids_matched_by(lambda own, listed: own.lower() == listed.lower())


@mutant("VERIFY-04", *rows(ALIKE, "begins like"))
def id_compared_as_far_as_asked() -> None:
    """A listed session counts if its id begins with the requested one."""
    _ids_matched_by(lambda own, listed: listed.startswith(own))


@mutant("VERIFY-04", *rows(ALIKE, "ends like"))
def id_compared_by_its_end() -> None:
    """A listed session counts if its id ends with the requested one."""
    _ids_matched_by(lambda own, listed: listed.endswith(own))


@mutant("VERIFY-04", *rows(ALIKE, "is the end of"))
def id_compared_behind_a_prefix() -> None:
    """A listed session counts if the requested id ends with its id."""
    _ids_matched_by(lambda own, listed: own.endswith(listed))


def _fail_where_unknown(holding):
    if holding is Holding.UNKNOWN:
        raise SendError("session_unverifiable", "The instance did not answer.")
    return holding


@mutant("VERIFY-05", NEVER_ANSWERS)
def time_out_fails_the_send() -> None:
    """An instance that does not answer in time fails the send, without a scan."""
    _answers_judged_by(_fail_where_unknown)


@mutant("VERIFY-05", NEVER_ANSWERS)
def asked_three_times() -> None:
    """A silent instance is asked twice more, with a full timeout each time."""

    @around(Locator, "ask")
    async def asked(ask, self, base, session_id, _since):
        for _ in range(3):
            holding = await ask(self, base, session_id, moment())
            if holding is not Holding.UNKNOWN:
                break
        return holding


@mutant("VERIFY-05", NEVER_ANSWERS)
def send_timeout_used_for_verification() -> None:
    """A verification may take as long as the POST of a message."""
    with_environment(lambda given: {"VERIFY_TIMEOUT": given["SEND_TIMEOUT"]})


@mutant("VERIFY-06", DEFAULT_TIMEOUT)
def default_timeout_of_five_seconds() -> None:
    """The default verify timeout is 5 seconds."""
    with_environment(lambda given: {"VERIFY_TIMEOUT": given.get("VERIFY_TIMEOUT", "5")})


@mutant("VERIFY-06", DEFAULT_TIMEOUT)
def default_timeout_of_one_second() -> None:
    """The default verify timeout is 1 second."""
    with_environment(lambda given: {"VERIFY_TIMEOUT": given.get("VERIFY_TIMEOUT", "1")})


@mutant("VERIFY-07", UNUSABLE)
def unusable_answer_fails_the_send() -> None:
    """An unusable answer fails the send, without a scan."""
    _answers_judged_by(_fail_where_unknown)


@mutant("VERIFY-07", UNUSABLE)
def unusable_answer_counts_as_verified() -> None:
    """An instance that cannot be asked is trusted to hold the session."""
    _answers_judged_by(lambda holding: Holding.HELD if holding is Holding.UNKNOWN else holding)


@mutant("VERIFY-07", *rows(UNUSABLE, "answers an empty body", "answers broken JSON"), crashes=True)
def broken_json_crashes() -> None:
    """An answer that is not JSON crashes the send."""
    parse = instances.json_object

    def trusting(body):
        try:
            json.loads(body)
        except ValueError as error:
            raise UncaughtError from error
        return parse(body)

    instances.json_object = trusting


@mutant("VERIFY-07", *rows(UNUSABLE, "answers a list", "answers null", "answers a number"), crashes=True)
def other_shapes_crash() -> None:
    """JSON that is not an object crashes the send."""
    parse = instances.json_object
    instances.json_object = lambda body: parse(body) if json.loads(body).keys() else None


@mutant("VERIFY-07", *rows(UNUSABLE, "answers without sessions", "answers without details"), crashes=True)
def missing_keys_crash() -> None:
    """A missing key on the way to the list of sessions crashes the send."""
    instances.detailed_list = lambda answer: answer["sessions"]["details"]
