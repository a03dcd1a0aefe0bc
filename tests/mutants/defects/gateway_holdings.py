"""Known-bad gateway instances, each the fake with one mistake: what they hold, answer and send."""

from __future__ import annotations

import threading
from typing import Any

from fake_instances.faults.told import statistics, utc_now
from fake_instances.instance import Instance
from fake_instances.routes import app
from fake_instances.routes.replies import answer
from fake_instances.sessions import SessionStatus, to_json
from tests.mutants.machinery.patching import around
from tests.mutants.machinery.registry import mutant, rows

HOLDS_NONE = "An instance that holds no session counts and lists none"
HOLDS_SOME = "Each session that is held is counted and listed"
HOLDS_WAITING = "A session that waits for its QR code is held and not connected"
HOLDS_NO_MORE = "A session that was ended is neither counted nor listed"
NOT_HELD = "Nothing is sent over a session that an instance does not hold"
FOUR_HEALTHY = "Four instances on four ports are healthy"
RESTARTS = "Restarts of one instance after another neither lose nor double a message"


def _counted_by(change) -> None:
    """Change what the health routes count."""
    counts, details = Instance.counts, Instance.details
    Instance.counts = lambda self, *asked: change(counts(self, *asked))

    def detailed(self, *asked):
        counted, listed = details(self, *asked)
        return change(counted), listed

    Instance.details = detailed


def _sent_over(is_accepted) -> None:
    """Send messages over sessions that are not held, where `is_accepted` says so."""
    send = app.send

    def lax(gateway, exchange, body):
        if gateway.session(body["session_id"]) is None and is_accepted(gateway, body["session_id"]):
            number = gateway.deliver(
                exchange.number, body["session_id"], body["recipient_phone"], body["message"]
            )
            return answer({"success": True, "message_id": number, "timestamp": 1})
        return send(gateway, exchange, body)

    app.send = lax


@mutant("INSTANCE-03", HOLDS_NONE, HOLDS_SOME, HOLDS_WAITING, HOLDS_NO_MORE)
def counts_off_by_one() -> None:
    """One session too many is counted."""
    _counted_by(lambda counted: {**counted, "total": counted["total"] + 1})


@mutant("INSTANCE-03", HOLDS_WAITING)
def every_session_counted_as_connected() -> None:
    """A session counts as connected from the first moment."""
    _counted_by(lambda counted: {**counted, "connected": counted["total"]})


@mutant("INSTANCE-03", HOLDS_SOME, HOLDS_WAITING, HOLDS_NO_MORE)
def ended_sessions_kept() -> None:
    """A session that was ended stays listed as disconnected, permanently."""
    Instance.disconnect = lambda self, session_id: bool(
        self.set_status(session_id, SessionStatus.DISCONNECTED)
    )


@mutant("INSTANCE-03", HOLDS_NONE, HOLDS_SOME, HOLDS_WAITING, HOLDS_NO_MORE)
def statistics_in_place_of_a_list() -> None:
    """Details are an object of statistics, as in the deployed dialect."""

    @around(Instance, "details")
    def told(details, self, *asked):
        return details(self, *asked)[0], statistics(tuple(self.sessions()), utc_now())


@mutant("INSTANCE-03", HOLDS_WAITING)
def waiting_sessions_left_out() -> None:
    """A session that waits for its QR code is counted, and not listed."""

    @around(Instance, "details")
    def told(details, self, *asked):
        connected = [one for one in self.sessions() if one.connected]
        return details(self, *asked)[0], to_json(connected)


@mutant("INSTANCE-03", HOLDS_SOME, HOLDS_WAITING, HOLDS_NO_MORE)
def first_session_listed_twice() -> None:
    """The list is put together from two registries, and one session is in both."""

    @around(Instance, "details")
    def told(details, self, *asked):
        held = list(self.sessions())
        return details(self, *asked)[0], to_json([*held, *held[:1]])


def _not_found_answered(body, status) -> None:
    send = app.send

    def other(gateway, exchange, asked):
        if gateway.session(asked["session_id"]) is None:
            return answer(body, status)
        return send(gateway, exchange, asked)

    app.send = other


@mutant("INSTANCE-04", NOT_HELD)
def not_found_in_other_words() -> None:
    """The answer is 404 with the framework's own words: it could be a missing route."""
    _not_found_answered({"error": "Not Found"}, 404)


@mutant("INSTANCE-04", NOT_HELD)
def not_found_answered_with_200() -> None:
    """Only the body says that the session is not found."""
    _not_found_answered({"success": False, "error": "Session not found"}, 200)


@mutant("INSTANCE-04", NOT_HELD)
def session_not_held_called_not_connected() -> None:
    """A session that is not held is answered like one that is not connected."""
    _not_found_answered({"error": "Session not connected. Please check session status."}, 400)


@mutant("INSTANCE-04", NOT_HELD)
def every_session_served() -> None:
    """A message is accepted for any session, and reported as sent."""
    _sent_over(lambda _gateway, _session_id: True)


@mutant("INSTANCE-04", *rows(NOT_HELD, "is cut from one of instance 3002"))
def beginning_of_an_id_suffices() -> None:
    """A session is looked up by the beginning of its id."""
    _sent_over(lambda gateway, asked: any(one.session_id.startswith(asked) for one in gateway.sessions()))


@mutant("INSTANCE-04", *rows(NOT_HELD, "begins like one of instance 3002"))
def end_of_an_id_ignored() -> None:
    """An id is cut to the length of those that are known before it is looked up."""
    _sent_over(lambda gateway, asked: any(asked.startswith(one.session_id) for one in gateway.sessions()))


@mutant("INSTANCE-04", *rows(NOT_HELD, "was ended on instance 3002"))
def ended_sessions_go_on_sending() -> None:
    """The client of a session that was ended still sends."""
    disconnect, ended = Instance.disconnect, set[str]()

    def ending(self, session_id):
        ended.add(session_id)
        return disconnect(self, session_id)

    Instance.disconnect = ending
    _sent_over(lambda _gateway, asked: asked in ended)


@mutant("INSTANCE-04", NOT_HELD)
def send_over_unknown_session_crashes() -> None:
    """A session is used without a check that it exists: the answer is 500."""
    send = app.send

    def hasty(gateway, exchange, body):
        if gateway.session(body["session_id"]) is None:
            return answer({"error": "Cannot read properties of undefined (reading 'client')"}, 500)
        return send(gateway, exchange, body)

    app.send = hasty


def _health(tells) -> None:
    view = app.view

    def told(gateway, route, **names):
        return tells() if route.path == "/health" else view(gateway, route, **names)

    app.view = told


@mutant("INSTANCE-08", FOUR_HEALTHY, RESTARTS)
def health_waits_for_a_first_login() -> None:
    """The instance works but calls itself unhealthy, because it waits for something that never comes."""
    _health(lambda: answer({"status": "starting"}, 503))


@mutant("INSTANCE-08", RESTARTS)
def messages_in_flight_lost() -> None:
    """A message counts as sent when it is queued; a restart empties the queue."""
    deliver, stop, queued = Instance.deliver, Instance.stop, list[threading.Timer]()

    def queue(self, *message):
        queued.append(threading.Timer(0.06, deliver, (self, *message)))
        queued[-1].start()
        return f"true_{len(queued)}"

    def stopped(self, *, abruptly=False):
        for one in queued:
            one.cancel()
        stop(self, abruptly=abruptly)

    Instance.deliver, Instance.stop = queue, stopped


@mutant("INSTANCE-08", RESTARTS)
def last_message_sent_again_after_a_restart() -> None:
    """The outbox is emptied a little late: the last message is sent again after a restart."""
    deliver, start, outbox = Instance.deliver, Instance.start, list[tuple[Any, ...]]()

    def delivered(self, *message):
        outbox[:] = [message]
        return deliver(self, *message)

    def started(self):
        start(self)
        for message in outbox:
            deliver(self, *message)

    Instance.deliver, Instance.start = delivered, started
