"""Sound designs: sending, and what the user learns about it."""

from __future__ import annotations

import asyncio
import http.client
import json
import select
import socket
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from flask import request

from harness.catalogue.requirements import Profile
from reference_impl import app
from reference_impl.edges import messages
from reference_impl.edges.answers import Outcome, PostAnswer
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.messages import Message, SendError
from reference_impl.fix import sender
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.machinery.patching import around, around_sends, with_environment
from tests.mutants.machinery.registry import sound_design

WORDS = {
    "session_not_found": "The session was not found on any gateway.",
    "session_unverifiable": "One of the gateways did not respond, and the others do not have the session.",
    "rejected_by_instance": "The gateway declined.",
    "delivery_unknown": "Nobody can tell whether the message went out.",
}


class _FreeError(SendError):
    """A failure without a code of the contract."""

    @property
    def status(self):
        return 500


@sound_design
def tells_failures_in_its_own_words() -> None:
    """Failures have no code of the contract, and another POST is made only where the contract demands it."""
    permitted = sender._may_try_again

    def sent(_parts, _account_id, _message, send):
        try:
            return send()
        except SendError as error:
            if error.code in WORDS:
                raise _FreeError("error", WORDS[error.code]) from error
            raise

    around_sends(sent)
    sender._may_try_again = lambda outcome, base, trip: (
        outcome is not Outcome.NOT_CONNECTED and permitted(outcome, base, trip)
    )


@sound_design(profiles=(Profile.CORE, Profile.RESILIENCE))
def tries_one_more_copy_at_most() -> None:
    """When a copy proves not connected, one other instance is tried, and no third."""
    permitted = sender._may_try_again

    def decided(outcome, base, trip):
        again = outcome is Outcome.NOT_CONNECTED and bool(trip.not_connected)
        return permitted(outcome, base, trip) and not again

    sender._may_try_again = decided


@sound_design(profiles=(Profile.CORE,))
def sends_of_an_account_wait_for_one_another() -> None:
    """Messages of one account go out one after another, as from a queue of its own."""
    queues = defaultdict(threading.Lock)

    def act(_parts, account_id, _message, send):
        with queues[account_id]:
            return send()

    around_sends(act)


@sound_design(
    profiles=(Profile.CORE, Profile.RESILIENCE), target="verify_timeout = 1.3\nsend_timeout = 2.6\n"
)
def timeouts_fixed_and_stated() -> None:
    """Both timeouts are fixed, whatever the variables say, and the target file states them."""
    with_environment(lambda _given: {"VERIFY_TIMEOUT": "1.3", "SEND_TIMEOUT": "2.6"})


@sound_design(profiles=(Profile.CORE, Profile.RESILIENCE))
def messages_go_over_kept_connections() -> None:
    """Messages go over kept connections from a pool of threads, each looked at before it is used again."""
    kept, lock = defaultdict(list), threading.Lock()

    def taken(base):
        with lock:
            while kept[base]:
                connection = kept[base].pop()
                if not select.select([connection.sock], [], [], 0)[0]:  # readable would mean: closed
                    return connection
                connection.close()
        return None

    def post(settings, base, message):
        ends, connected = time.monotonic() + settings.send_timeout, False
        try:
            connection = taken(base)
            connected = connection is not None
            if connection is None:
                parts = urlsplit(base)
                connection = http.client.HTTPConnection(
                    parts.hostname, parts.port, timeout=settings.send_timeout
                )
                connection.connect()
                connected = True
            cut = threading.Timer(ends - time.monotonic(), connection.sock.shutdown, [socket.SHUT_RDWR])
            cut.start()
            try:
                body = json.dumps({**message, "api_key": settings.api_key})
                connection.request("POST", "/api/messages/send", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = PostAnswer(connected=True, status=response.status, body=response.read())
            finally:
                cut.cancel()
        except (OSError, http.client.HTTPException):
            return PostAnswer(connected)
        if not response.will_close:
            with lock:
                kept[base].append(connection)
        return answer

    pool = ThreadPoolExecutor(32)

    async def posted(self, base, message):
        return await asyncio.get_running_loop().run_in_executor(pool, post, self._settings, base, message)

    InstanceClient.post_message = posted


def around_answers(act) -> None:
    """Call `act` for each answer before it is sent."""
    create = app.create_app

    def created(*parts):
        made = create(*parts)
        made.after_request(act)
        return made

    app.create_app = created


@sound_design
def answers_202_and_tells_more() -> None:
    """A message that was sent is answered 202, with more fields than the contract has."""

    def act(answer):
        if request.path.endswith("/messages") and answer.status_code == 200:
            answer.status_code = 202
            answer.set_data(answer.get_data()[:-2] + b',"attempts":1,"meta":{"error":null,"failed":false}}')
        return answer

    around_answers(act)


@sound_design
def failures_have_other_statuses() -> None:
    """Failures have the contract's codes, and other statuses from 400 on."""
    messages.STATUS = {
        "account_not_found": 400,
        "invalid_message": 400,
        "session_not_found": 404,
        "session_unverifiable": 500,
        "rejected_by_instance": 422,
        "delivery_unknown": 500,
    }


@sound_design
def repairs_the_row_behind_the_send() -> None:
    """The message goes to the holder at once; the row is repaired when the message has an answer."""
    write, found = Syncs.write, threading.local()

    def written(self, view, new_url, *, source, **more):
        if source is not Source.SEND:
            return write(self, view, new_url, source=source, **more)
        found.writes.append(lambda: write(self, view, new_url, source=source, **more))
        return True

    def act(_parts, _account_id, _message, send):
        found.writes = []
        try:
            return send()
        finally:
            for one in found.writes:
                one()

    Syncs.write = written
    around_sends(act)


@sound_design(slow=True)
def takes_its_time() -> None:
    """Every answer is a little late, within every bound."""

    def act(answer):
        if request.method == "POST":
            threading.Event().wait(0.35)
        return answer

    around_answers(act)


@sound_design
def messages_carry_more() -> None:
    """Instances are given more with a message than they need."""

    @around(Message, "payload")
    def carried(payload, self, account):
        more = {"client_reference": "ref-1", "account_id": account.id, "options": {"preview": False}}
        return {**more, **payload(self, account)}
