"""Lies about which sessions are held, and about which messages were sent. Pure."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from fake_instances.faults.answers import Answer
from fake_instances.faults.base import ROSTER, Endpoint, Fault
from fake_instances.faults.wire import Close, Hang, Reset, Truncate
from fake_instances.sessions import Session, SessionStatus


class Lie(Fault):
    """Base of the lies about which sessions are held; told alike on every route."""

    endpoints = usual = ROSTER


class Lists(Lie):
    """A session that is not held is listed and counted as if it were."""

    session: Session

    words = "lists session {0.session.session_id} whether held or not"


class Omits(Lie):
    """A session that is held is neither listed nor counted."""

    session_id: str

    words = "omits session {0.session_id}"


class Misreports(Lie):
    """A session that is held is shown with another status."""

    session_id: str
    status: SessionStatus

    words = "calls session {0.session_id} {0.status.value}"


class Miscounts(Lie):
    """The counts are these, no matter what is listed."""

    total: Annotated[int, Ge(0)]
    connected: Annotated[int, Ge(0)]

    endpoints = usual = ROSTER - {Endpoint.SESSION_STATUS}

    words = "counts {0.total} sessions, {0.connected} of them connected"


class DeployedDialect(Lie):
    """`details` is an object of statistics, as the deployed service answers it, and lists no session."""

    endpoints = usual = frozenset({Endpoint.HEALTH_DETAILED})

    words = "answers in the deployed dialect"


class ListsNothing(Lie):
    """No session is listed, counted or known."""

    words = "lists no session"


class AnswersAs(Lie):
    """The instance answers as if it held what another instance holds."""

    instance: int

    words = "answers as instance {0.instance}"


class SendLie(Fault):
    """Base of the lies about a message."""

    endpoints = usual = frozenset({Endpoint.SEND})


class DeniesSession(SendLie):
    """A message over a session that is held is answered 404, and not sent."""

    words = "denies the session it holds"


class ClaimsSent(SendLie):
    """A message over a session that is not held, or not connected, is answered as sent, and is not."""

    words = "claims to have sent what it cannot send"


class AnswersHollow(SendLie):
    """A message is answered 200 without `success`, with this body. It is sent only if `delivered` is true."""

    body: bytes = b"{}"
    delivered: bool = False

    def __str__(self) -> str:
        done = "delivers" if self.delivered else "does not deliver"
        return f"{done} the message and answers 200 with {self.body.decode('utf-8', 'replace') or 'nothing'}"


class SendsThenFails(SendLie):
    """The message is delivered; its answer is lost, by a wire fault or by another answer."""

    by: Hang | Close | Reset | Truncate | Answer = Hang()

    words = "delivers the message and then {0.by}"
