"""Mistakes of memory that last beyond the trouble: failures, connections and words that are kept."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections import defaultdict
from urllib.parse import urlsplit

from reference_impl.edges.answers import Holding, PostAnswer
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.messages import SendError
from reference_impl.fix.locator import Locator
from tests.mutants.machinery.patching import around, around_sends
from tests.mutants.machinery.registry import mutant, rows

SAME_PERSON = "The same words to the same person go out as often as they are sent"
BOTH_ACCOUNTS = "The same words go out from every account that sends them"
THREE_PEOPLE = "The same words go to everybody to whom they are sent"
CONNECTIONS_GONE = "The first message behind the end of every connection goes out"
AFTER_HANGING = "Messages that hung take no place from later ones"
NOT_WITH_THE_NEXT = "A message whose answer was lost does not go out with the next one"
BACK = "An instance that was down and is back is used"

HALF_A_MINUTE = 30.0
TEN_SECONDS = 10.0
TEN = 10


class _Recent:
    """What happened lately, each thing for a number of seconds."""

    def __init__(self, seconds):
        self._seconds, self._at = seconds, {}

    def add(self, what):
        self._at[what] = time.monotonic()

    def __contains__(self, what):
        return time.monotonic() - self._at.get(what, -self._seconds) < self._seconds


def _words_sent_once(key) -> None:
    """Answer a message whose key is one of the last ten seconds as that one was answered."""
    recent, told = _Recent(TEN_SECONDS), {}

    def act(_parts, account_id, message, send):
        one = key(account_id, message)
        if one not in recent:
            told[one] = send()
            recent.add(one)
        return told[one]

    around_sends(act)


@mutant("SEND-15", SAME_PERSON)
def same_words_taken_for_a_second_click() -> None:
    """The same words to the same person within ten seconds are taken for a second click, and told as sent."""
    _words_sent_once(lambda account_id, message: (account_id, message.recipient_phone, message.text))


@mutant("SEND-15", SAME_PERSON, THREE_PEOPLE)
def same_words_sent_once_whoever_they_are_for() -> None:
    """Messages of an account are told apart by their words alone."""
    _words_sent_once(lambda account_id, message: (account_id, message.text))


@mutant("SEND-15", SAME_PERSON, BOTH_ACCOUNTS)
def same_words_sent_once_whoever_sends_them() -> None:
    """Messages are told apart by their words and the person they are for, whoever sends them."""
    _words_sent_once(lambda _account_id, message: (message.recipient_phone, message.text))


@mutant("SEND-17", CONNECTIONS_GONE)
def kept_connection_taken_for_an_open_one() -> None:
    """Messages go over a kept connection, and what was lost with one that is gone is told as unknown."""
    kept, lock = {}, threading.Lock()

    def post(settings, base, message):
        parts = urlsplit(base)
        with lock:
            connection = kept.pop(base, None)
        try:
            if connection is None:
                connection = http.client.HTTPConnection(
                    parts.hostname, parts.port, timeout=settings.send_timeout
                )
                connection.connect()
                connection.auto_open = False
            body = json.dumps({**message, "api_key": settings.api_key})
            connection.request("POST", "/api/messages/send", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = PostAnswer(connected=True, status=response.status, body=response.read())
        except (OSError, http.client.HTTPException):
            return PostAnswer(connected=connection.sock is not None or not connection.auto_open)
        if not response.will_close:
            with lock:
                kept[base] = connection
        return answer

    async def posted(self, base, message):
        return await asyncio.get_running_loop().run_in_executor(None, post, self._settings, base, message)

    InstanceClient.post_message = posted


def _left_out_while(recent, failed) -> None:
    """Do not ask an instance for a session while they are in `recent`, where `failed` puts them by an answer."""

    @around(Locator, "ask")
    async def asked(ask, self, base, session_id, since):
        if (base, session_id) in recent:
            return Holding.UNKNOWN
        began = time.monotonic()
        holding = await ask(self, base, session_id, since)
        if failed((base, session_id), holding, time.monotonic() - began >= self._timeout):
            recent.add((base, session_id))
        return holding


@mutant(
    "SEND-18",
    *rows(BACK, "3002-six-was down", "3001-six-was down", "3002-six-refused connections"),
    *rows(BACK, "3002-six-answered 500", "3001-four-never answered"),
)
def breaker_open_for_half_a_minute() -> None:
    """An instance that could not be asked for a session three times in a row is not asked for half a minute."""
    failures = {}

    def failed(asked, holding, _timed_out):
        failures[asked] = failures.get(asked, 0) + 1 if holding is Holding.UNKNOWN else 0
        return failures[asked] >= 3

    _left_out_while(_Recent(HALF_A_MINUTE), failed)


@mutant("SEND-18", *rows(BACK, "3001-four-never answered"))
def silent_instance_left_out_for_half_a_minute() -> None:
    """An instance that did not answer in time is not asked for the session for half a minute."""
    _left_out_while(
        _Recent(HALF_A_MINUTE), lambda _asked, holding, timed_out: holding is Holding.UNKNOWN and timed_out
    )


def _left_out_when_posts_fail(failed) -> None:
    """For half a minute, do not believe an instance that a session is there whose message it answered so."""
    recent = _Recent(HALF_A_MINUTE)

    @around(InstanceClient, "post_message")
    async def posted(post, self, base, message):
        answer = await post(self, base, message)
        if failed(answer.status):
            recent.add((base, message["session_id"]))
        return answer

    @around(Locator, "ask")
    async def asked(ask, self, base, session_id, since):
        if (base, session_id) in recent:
            return Holding.ABSENT
        return await ask(self, base, session_id, since)


@mutant("SEND-18", *rows(BACK, "3002-six-denied the session"))
def denial_remembered_for_half_a_minute() -> None:
    """An instance that denied a session once is not believed to hold it for half a minute."""
    _left_out_when_posts_fail(lambda status: status == 404)


@mutant("SEND-18", *rows(BACK, "3002-six-answered messages with 500", "3002-six-answered messages with 429"))
def failed_messages_remembered_for_half_a_minute() -> None:
    """An instance that failed a message is spared the session's messages for half a minute."""
    _left_out_when_posts_fail(lambda status: status == 429 or (status or 0) >= 500)


@mutant("SEND-18", AFTER_HANGING)
def places_of_hanging_messages_never_free_again() -> None:
    """Ten messages at once may be on their way to an instance, and one whose answer was lost counts for ever."""
    places = defaultdict(lambda: TEN)

    @around(InstanceClient, "post_message")
    async def posted(post, self, base, message):
        if not places[base]:
            return PostAnswer(connected=False)
        places[base] -= 1
        answer = await post(self, base, message)
        if answer.status is not None:
            places[base] += 1
        return answer


NOWHERE_AT_FIRST = "A session that was nowhere is found as soon as it is somewhere"


@mutant("VERIFY-03", NOWHERE_AT_FIRST)
def lost_session_not_looked_for_again() -> None:
    """A session that was found nowhere is not looked for during the next ten seconds."""
    lost = _Recent(TEN_SECONDS)

    def act(_parts, account_id, _message, send):
        if account_id in lost:
            raise SendError("session_not_found", "The session was not found in any instance a moment ago.")
        try:
            return send()
        except SendError as error:
            if error.code == "session_not_found":
                lost.add(account_id)
            raise

    around_sends(act)


@mutant("SEND-04", NOT_WITH_THE_NEXT)
def unanswered_message_goes_out_with_the_next() -> None:
    """A message whose answer was lost waits in an outbox, which the account's next message empties."""
    waiting = {}

    def act(_parts, account_id, _message, send):
        if account_id in waiting:
            waiting.pop(account_id)()
        try:
            return send()
        except SendError as error:
            if error.code == "delivery_unknown":
                waiting[account_id] = send
            raise

    around_sends(act)
