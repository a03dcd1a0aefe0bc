"""Tells a history as a list of lines: what happened on the wire and in the table, in order. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from fake_instances.journal import (
    Entry,
    FaultArmed,
    FaultExecuted,
    MessageDelivered,
    RequestArrived,
    SessionHeld,
    SessionReleased,
    WebhookAnswered,
    WebhookKept,
    WebhookLost,
    WebhookSent,
)
from harness.history import (
    GatewayEntry,
    History,
    ImplementationKilled,
    ImplementationStarted,
    OperatorAsked,
    RowRead,
    RowSet,
    StepReached,
    UserAnswered,
    UserSends,
)
from harness.redaction import redact
from harness.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_MOST_TOLD = 10
"""Sessions that one instance takes in, one behind the other, before they are only counted."""


def timeline(history: History, secrets: Collection[str]) -> Sequence[str]:
    """Tell a history, one line an event, with seconds since its beginning.

    No line has a secret in it, nor a piece of one: what is cut short is redacted before.
    """
    entries = history.entries
    if not entries:
        return ("nothing happened",)
    began = entries[0].at
    told: list[tuple[Entry, str | None]] = []
    for instance, group in groupby(entries, _fills):
        together = list(group)
        if instance is not None and len(together) > _MOST_TOLD:
            told.append((together[0], f"instance {instance} takes in {len(together)} sessions"))
        else:
            told += [(entry, _words(entry, history, secrets)) for entry in together]
    return [redact(f"{entry.at - began:7.3f} s  {words}", secrets) for entry, words in told if words]


def _fills(entry: Entry) -> int | None:
    """Give the instance that takes in a session: a crowd of them, one behind the other, is told in one line."""
    return entry.instance if isinstance(entry, SessionHeld) else None


def _words(entry: Entry, history: History, secrets: Collection[str]) -> str | None:  # noqa: C901, PLR0911, PLR0912 - one case for each kind of entry
    match entry:
        case StepReached():
            return f"── {entry.text}"
        case RowSet():
            return f"row of account {entry.account_id} is set: assigned to {entry.assigned}"
        case RowRead():
            return f"row of account {entry.account_id} says: {entry.status}, assigned to {entry.assigned}"
        case UserSends():
            message = quoted(redact(entry.text, secrets))
            return f"user → implementation: send {message} from account {entry.account_id}"
        case UserAnswered(status=None):
            return f"implementation → user: no answer after {entry.seconds:.2f} s ({entry.problem})"
        case UserAnswered():
            return f"implementation → user: {entry.status} {redact(entry.body.strip(), secrets)[:300]}"
        case OperatorAsked():
            told = "no answer" if entry.status is None else str(entry.status)
            asked, body = redact(entry.asked, secrets), redact(entry.body.strip(), secrets)[:300]
            return f"implementation → operator: {told} {body} (asked {asked})"
        case RequestArrived():
            return f"caller → instance {entry.instance}: {_request(entry)} → {_ending(entry, history)}"
        case MessageDelivered():
            return f"instance {entry.instance} delivers {quoted(redact(entry.text, secrets))} to {entry.recipient}"
        case WebhookSent():
            claimed = [value for name, value in entry.headers if name == "X-Instance-Url"]
            location = f", X-Instance-Url {' and '.join(claimed)}" if claimed else ", no X-Instance-Url"
            return f"instance {entry.instance} → implementation: webhook {entry.event}{location}"
        case WebhookAnswered():
            said = redact(entry.body.decode("utf-8", "replace").strip(), secrets)[:300]
            return (
                f"implementation → instance {entry.instance}: {entry.status or entry.reason} {said}".rstrip()
            )
        case WebhookLost():
            return f"instance {entry.instance}: webhook {entry.event} is lost"
        case WebhookKept():
            return f"instance {entry.instance}: webhook {entry.event} is kept back"
        case SessionHeld():
            return f"instance {entry.instance} holds {entry.session_id}, {entry.status}"
        case SessionReleased():
            return f"instance {entry.instance} lets {entry.session_id} go"
        case FaultArmed():
            return f"instance {entry.instance} is told: it {entry.words} ({', '.join(entry.endpoints)})"
        case FaultExecuted():
            return f"instance {entry.instance} {entry.words}"
        case GatewayEntry():
            return redact(entry.words, secrets)
        case ImplementationKilled():
            return "the implementation is killed"
        case ImplementationStarted():
            return f"the implementation is up at {entry.base_url}"
        case _:
            return None


def _request(entry: RequestArrived) -> str:
    path = entry.target.split("?", 1)[0]
    return f"{entry.method} {path}"


def _ending(entry: RequestArrived, history: History) -> str:
    key = (entry.instance, entry.request)
    answer, ended = history.answers.get(key), history.completions.get(key)
    if answer is not None:
        return f"{answer.status} after {1000 * (answer.at - entry.at):.0f} ms"
    if ended is not None:
        return f"no answer; {ended.ending} after {ended.at - entry.at:.2f} s"
    return "no answer yet"
