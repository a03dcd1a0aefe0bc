"""Mistakes in posting again, in stopping, in whose session is used, and in answers to users."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import aiohttp
from sqlalchemy import func, select

from reference_impl.edges.accounts import ACCOUNTS
from reference_impl.edges.answers import Holding, Outcome, json_object, judge_post
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.messages import Message, SendError
from reference_impl.fix import sender
from reference_impl.fix.locator import Locator, moment
from tests.mutants.machinery.patching import around, around_sends, with_environment
from tests.mutants.machinery.registry import mutant, rows

MOVED_BEHIND = "A session that moves after its verification is followed"
MOVED_BEFORE = "A session that moves before its message arrives is followed"
ANSWER_LOST = "A message whose answer was lost is not sent again"
NOT_WITH_THE_NEXT = "A message whose answer was lost does not go out with the next one"
REFUSED = "A message that was refused is not posted again"
ONE_STALE = "A copy that proves not connected is not posted the message again"
ALL_STALE = "Copies that all prove not connected are tried once each at most"
REDIRECTED = "A message that was redirected is posted nowhere else"
GOES_AWAY = "A session is followed whose instance goes away before the message is posted"
ZOMBIE = "A zombie does not keep the message from the holder"
ZOMBIE_FIRST = "A zombie that a scan finds first does not keep the message from the holder"
ONE_DENIES = "An instance that lists the session and denies it is given up"
ALL_DENY = "Instances that all list the session and deny it are given up"
TWENTY_MOVES = "Twenty messages follow a session that moves before each of them"
OWN_SESSIONS = "Accounts of one workspace keep to their own sessions"
NO_STAND_IN = "No other session stands in for one that is lost"
WRONG_PART = "A message with a wrong part is refused"
NO_ACCOUNT = "A message from an account that does not exist is refused"
HOLLOW = "An answer without success is not reported as sent"
STATUS_ALONE = "A status of success alone is not reported as sent"
WITHOUT_ID = "Success is success without the id of a message"
GIVEN_UP = "A message whose answer does not come in time is given up"
IN_TIME = "A message whose answer comes late, and in time, is sent"


def _may_try_again(may) -> None:
    """Permit or forbid another POST; None leaves it to the reference."""
    permitted = sender._may_try_again

    def decided(outcome, base, trip):
        decision = may(outcome, base, trip)
        return permitted(outcome, base, trip) if decision is None else decision

    sender._may_try_again = decided


def _post_again(where, times) -> None:
    """Post a message to the same instance again at once, up to `times`, while `where` is true of the answer."""

    @around(InstanceClient, "post_message")
    async def posted(post, self, base, message):
        answer = await post(self, base, message)
        for _ in range(times):
            if not where(answer):
                break
            answer = await post(self, base, message)
        return answer


@mutant("SEND-03", MOVED_BEHIND, MOVED_BEFORE)
def not_found_is_final() -> None:
    """A 404 after a verification fails the send."""
    _may_try_again(lambda outcome, _base, _trip: False if outcome is Outcome.NOT_THERE else None)


@mutant("SEND-03", MOVED_BEHIND, MOVED_BEFORE)
def not_found_posted_to_the_same_instance_again() -> None:
    """After a 404 the message is posted to the same instance again."""
    _post_again(lambda answer: answer.status == 404, 2)
    _may_try_again(lambda outcome, _base, _trip: False if outcome is Outcome.NOT_THERE else None)


@mutant("SEND-04", ANSWER_LOST, NOT_WITH_THE_NEXT)
def posted_again_when_in_doubt() -> None:
    """A message whose answer is a 5xx or was lost is posted twice more."""
    _post_again(lambda answer: judge_post(answer) is Outcome.UNCERTAIN, 2)


@mutant(
    "SEND-04",
    *rows(ANSWER_LOST, "never answers", "resets the connection", "closes the connection"),
    NOT_WITH_THE_NEXT,
)
def lost_answer_taken_for_no_connection() -> None:
    """A lost connection counts as one that was never made, which permits another POST."""
    sender.judge_post = lambda answer: judge_post(
        replace(answer, connected=False) if answer.status is None else answer
    )


@mutant("SEND-04", ANSWER_LOST)
def doubt_told_as_not_sent() -> None:
    """Every answer but a success is reported as a message that was not sent."""
    failure = sender.failure

    def told(outcome, answer, *rest):
        if outcome is Outcome.UNCERTAIN:
            return SendError("rejected_by_instance", "The message was not sent.")
        return failure(outcome, answer, *rest)

    sender.failure = told


@mutant("SEND-05", *rows(REFUSED, "400", "401", "422"), ONE_STALE, ALL_STALE)
def refused_message_posted_again() -> None:
    """A message that was answered 4xx is posted twice more."""
    _post_again(lambda answer: answer.status in {400, 401, 422}, 2)


@mutant("SEND-05", ONE_STALE, ALL_STALE)
def copy_that_proved_not_connected_asked_again() -> None:
    """When a copy proves not connected the send starts again, and believes the same copy again."""
    _may_try_again(lambda outcome, _base, _trip: True if outcome is Outcome.NOT_CONNECTED else None)


@mutant("SEND-05", *rows(REFUSED, "408", "425", "429"))
def posted_again_when_told_to_wait() -> None:
    """A message that was answered 408, 425 or 429 is posted again, as many HTTP clients do by themselves."""
    _post_again(lambda answer: answer.status in {408, 425, 429}, 2)


@mutant("SEND-05", *rows(REFUSED, "302", "403", "409", "423", "503"))
def posted_again_whatever_was_answered() -> None:
    """A message that was answered with an error of another kind is posted once more."""
    _post_again(lambda answer: answer.status in {302, 403, 409, 423, 503}, 1)


class _Following:
    """A session of aiohttp that follows the redirects of messages."""

    def __init__(self, session):
        self.get = session.get
        self.post = lambda *given, **more: session.post(*given, **{**more, "allow_redirects": True})


@mutant("SEND-05", REDIRECTED)
def redirects_of_messages_followed() -> None:
    """A message is posted again wherever an instance redirects it to."""

    @around(InstanceClient, "_open")
    def opened(own, self):
        return _Following(own(self))


@mutant("SEND-03", GOES_AWAY)
def refused_connection_is_final() -> None:
    """If no connection can be made for the message, the send fails."""
    _may_try_again(lambda outcome, _base, _trip: False if outcome is Outcome.NEVER_REACHED else None)


@mutant("SEND-04", *rows(ANSWER_LOST, "answers 502", "answers 503"))
def posted_again_behind_a_bad_gateway() -> None:
    """A message that was answered 502, 503 or 504 is posted again, as many HTTP clients do by themselves."""
    _post_again(lambda answer: answer.status in {502, 503, 504}, 2)


@mutant("SEND-13", ZOMBIE, ZOMBIE_FIRST)
def list_believed_before_the_denial() -> None:
    """An instance that lists the session still when it has denied it is believed: the send fails."""

    @around(sender.Sender, "_locate")
    def located(locate, self, account_id, trip):
        for base in trip.gone_from:
            _, session_id = self._read(account_id)
            if self.parts.loop.run(self.parts.locator.ask(base, session_id, moment())) is Holding.HELD:
                raise trip.refusal
        return locate(self, account_id, trip)


@mutant("SEND-13", ZOMBIE, ZOMBIE_FIRST)
def zombie_posted_until_no_try_is_left() -> None:
    """After a 404 the instance is asked again, and posted the message again if it lists the session."""
    _may_try_again(lambda outcome, _base, _trip: True if outcome is Outcome.NOT_THERE else None)


@mutant("SEND-14", GIVEN_UP)
def send_timeout_not_as_set() -> None:
    """A message has six seconds, whatever is set."""
    with_environment(lambda _given: {"SEND_TIMEOUT": "6"})


@mutant("SEND-14", IN_TIME)
def verify_timeout_used_for_messages() -> None:
    """A message has no longer than a verification."""
    with_environment(lambda given: {"SEND_TIMEOUT": given["VERIFY_TIMEOUT"]})


@mutant("SEND-14", *rows(GIVEN_UP, "drips its answer to a message"))
def send_timeout_for_each_read() -> None:
    """The send timeout starts again with each byte of the answer."""
    seconds = float(os.environ["SEND_TIMEOUT"])
    with_environment(lambda _given: {"SEND_TIMEOUT": "60"})

    @around(InstanceClient, "_open")
    def opened(own, self):
        session = own(self)
        session._timeout = aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
        return session


@mutant("SEND-11", STATUS_ALONE)
def no_content_counts_as_sent() -> None:
    """A 2xx other than 200 counts as sent, whatever is in it."""
    sender.judge_post = lambda answer: (
        Outcome.SENT if 200 < (answer.status or 0) < 300 else judge_post(answer)
    )


@mutant("SEND-11", WITHOUT_ID)
def success_needs_an_id() -> None:
    """A message counts as sent only if the instance gave it an id."""
    sender.judge_post = lambda answer: (
        Outcome.UNCERTAIN
        if judge_post(answer) is Outcome.SENT and answer.text("message_id") is None
        else judge_post(answer)
    )


@mutant("SEND-06", ONE_DENIES, ALL_DENY)
def tried_fifty_times() -> None:
    """After a 404 the send starts again, up to fifty times."""
    sender.MOST_POSTS = 50
    _may_try_again(lambda outcome, _base, _trip: True if outcome is Outcome.NOT_THERE else None)


@mutant("SEND-06", ALL_DENY)
def tries_counted_for_each_instance() -> None:
    """A message may be posted four times to each instance."""
    _post_again(lambda answer: answer.status == 404, 3)


@mutant("SEND-07", TWENTY_MOVES)
def scans_rationed() -> None:
    """A session is scanned for at most once a minute."""
    scan, scanned = Locator.scan, {}

    async def rationed(self, session_id, since, **rest):
        if time.monotonic() - scanned.get(session_id, -60.0) < 60:
            raise SendError("session_unverifiable", "The session was looked for just now.")
        scanned[session_id] = time.monotonic()
        return await scan(self, session_id, since, **rest)

    Locator.scan = rationed


def _first_of_workspace(parts, account_id):
    account = parts.accounts.by_id(account_id)
    same = select(ACCOUNTS.c.id).where(ACCOUNTS.c.workspace_id == account.workspace_id)
    with parts.accounts._engine.connect() as connection:
        return connection.execute(same.order_by(ACCOUNTS.c.id)).scalars().first()


@mutant("SEND-08", OWN_SESSIONS, NO_STAND_IN)
def primary_account_used() -> None:
    """Every message of a workspace leaves through its first account."""
    around_sends(
        lambda parts, account_id, _message, send: send(_first_of_workspace(parts, account_id)),
    )


@mutant("SEND-08", NO_STAND_IN)
def primary_account_stands_in() -> None:
    """A message whose session was not found leaves through the first account of its workspace."""

    def act(parts, account_id, _message, send):
        try:
            return send()
        except SendError as error:
            if error.code != "session_not_found":
                raise
            return send(_first_of_workspace(parts, account_id))

    around_sends(act)


def _parsed(text_of) -> None:
    """Change how the parts of a message are read."""

    def parse(cls, body):
        given = json_object(body) or {}
        return cls(text_of(given.get("recipient_phone")), text_of(given.get("message")), "text")

    Message.parse = classmethod(parse)


def _text(value):
    if not isinstance(value, str):
        raise SendError("invalid_message", "Every part is a text.")
    return value


@mutant(
    "SEND-09",
    *rows(
        WRONG_PART, *(f"{part}-{wrong}" for part in ("recipient", "text") for wrong in ("missing", "null"))
    ),
    *rows(WRONG_PART, "recipient-a number", "recipient-a list"),
    *rows(WRONG_PART, "text-a number", "text-an object", "text-true"),
)
def parts_made_texts() -> None:
    """Every part is converted to a text."""
    _parsed(lambda value: _text(None if value == "" else str(value)))


@mutant("SEND-09", *rows(WRONG_PART, "recipient-empty", "text-empty"))
def empty_parts_left_to_the_instance() -> None:
    """Parts are checked to be texts, but not to be filled."""
    _parsed(_text)


@mutant(
    "SEND-09",
    *rows(
        WRONG_PART, *(f"{part}-{wrong}" for part in ("recipient", "text") for wrong in ("missing", "null"))
    ),
    *rows(WRONG_PART, "recipient-a number", "recipient-a list"),
    *rows(WRONG_PART, "text-a number", "text-an object", "text-true"),
    crashes=True,
)
def wrong_types_crash() -> None:
    """Every part is trimmed without a check that it is a text."""
    _parsed(lambda value: value.strip() or _text(None))


@mutant("SEND-09", NO_ACCOUNT)
def any_account_will_do() -> None:
    """A message from an account that does not exist leaves through the newest account."""

    def act(parts, account_id, _message, send):
        if parts.accounts.by_id(account_id) is not None:
            return send()
        with parts.accounts._engine.connect() as connection:
            return send(connection.execute(select(func.max(ACCOUNTS.c.id))).scalar())

    around_sends(act)


@mutant("SEND-11", HOLLOW)
def any_200_counts_as_sent() -> None:
    """Every answer with status 200 counts as sent."""
    sender.judge_post = lambda answer: Outcome.SENT if answer.status == 200 else judge_post(answer)


@mutant("SEND-11", *rows(HOLLOW, "success as a text"))
def success_by_its_name() -> None:
    """Every truthy value of success counts as sent."""
    sender.judge_post = lambda answer: (
        Outcome.SENT if (json_object(answer.body or b"") or {}).get("success") else judge_post(answer)
    )


@mutant("SEND-11", *rows(HOLLOW, "nothing", "an empty object", "a list", "HTML"))
def only_an_error_counts_as_failure() -> None:
    """An answer that names no error counts as sent."""
    sender.judge_post = lambda answer: (
        Outcome.SENT
        if answer.status == 200 and "success" not in (json_object(answer.body or b"") or {})
        else judge_post(answer)
    )


@mutant(
    "SEND-11",
    *rows(HOLLOW, "nothing", "an empty object", "success as a text", "a list", "HTML"),
    STATUS_ALONE,
)
def any_2xx_counts_as_sent() -> None:
    """Every 2xx answer counts as sent, unless success is false."""
    sender.judge_post = lambda answer: (
        Outcome.SENT
        if 200 <= (answer.status or 0) < 300
        and (json_object(answer.body or b"") or {}).get("success") is not False
        else judge_post(answer)
    )
