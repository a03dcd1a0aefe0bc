"""One user of the implementation: hands over a message, by the target's own terms."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import requests

from harness.adapters.values import Call
from harness.attach.http import request
from harness.contract import MARGIN
from harness.history import UserAnswered, json_object
from harness.incident import LONG_PAST
from harness.placeholders import encoded, filled, filled_path, filled_text

if TYPE_CHECKING:
    from fake_instances import Session
    from harness.attach.control_plane import ControlPlane
    from harness.contract import Target

CALLS = itertools.count(1)
"""Numbers each call of a user."""

NEW_PHONE = "628999888777"
"""The phone number that webhooks bring, to show whether they are processed."""

_PATIENCE = ((6, 2.0), (3, MARGIN), (1, MARGIN))
"""For how many POSTs, each verified, a user waits, and how many seconds more; the last counts for all that follow.

A sound implementation looks, and posts at most once to each of the four instances that does not answer. One that
left a user without an answer for so long is not waited for like that again, until it answers.
"""

_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
"""What stands in a header as it is."""
MISSING: Final = object()
"""In place of a part of a message: leave it out, with its name."""


def ask_to_send(  # noqa: PLR0913 - a message's parts, and whose it is
    implementation: ControlPlane,
    call: int,
    account_id: int,
    recipient: str,
    text: str,
    *,
    session: Session | None = None,
    body: Mapping[str, object] | None = None,
) -> UserAnswered:
    """Hand one message to the implementation, and return its answer or the reason why none came.

    `session` is the account's. `body` is the template of the request's body, by default the target's own.
    """
    target, settings = implementation.target, implementation.settings
    values = {**sender_values(target, account_id, session), "recipient": recipient, "text": text}
    asked = message_call(target, values, body)
    silent = implementation.silent
    one_try = settings.verify_timeout_in_force + settings.send_timeout_in_force
    tries, more = _PATIENCE[min(silent, len(_PATIENCE) - 1)]
    patience = tries * one_try + more
    began = time.monotonic()
    try:
        if implementation.adapted is not None:
            response = implementation.adapted.send(account_id, values, asked, patience=patience)
        else:
            response = request(
                asked.method,
                implementation.base_url + asked.url,
                patience=patience,
                body=asked.body,
                headers={**target.headers, **asked.headers},
            )
    except requests.RequestException as problem:
        if isinstance(problem, requests.Timeout):
            implementation.silent = silent + 1
        reason = implementation.problem or f"{type(problem).__name__}: {problem}"
        seconds = time.monotonic() - began
        return UserAnswered(call=call, status=None, body="", told_sent=False, seconds=seconds, problem=reason)
    implementation.silent = 0
    return UserAnswered(
        call=call,
        status=response.status_code,
        body=response.text,
        told_sent=tells_sent(target, response.status_code, response.content),
        seconds=time.monotonic() - began,
    )


def message_call(
    target: Target, values: Mapping[str, object], body: Mapping[str, object] | None = None
) -> Call:
    """Return the call by which a message is handed over, with its path and its own headers; `body` is a template."""
    template = dict(target.send.body if body is None else body)
    path = filled_path(target.send.path, values)
    return Call(target.send.method, path, filled(template, values), _headers(target, values))


def sender_values(target: Target, account_id: int, session: Session | None = None) -> dict[str, object]:
    """Return what the target's own way to send may name of an account; without a session, its id alone."""
    values: dict[str, object] = {"account_id": target.account_id(account_id)}
    if session is not None:
        values |= {
            "session_id": session.session_id,
            "workspace_id": session.workspace_id,
            "phone_number": session.phone_number,
        }
    return values


def _headers(target: Target, values: Mapping[str, object]) -> dict[str, str]:
    """Return the headers of a message; what a header cannot have is percent-encoded, as in a path."""
    safe = {name: value if _PLAIN.fullmatch(str(value)) else encoded(value) for name, value in values.items()}
    return {name: filled_text(value, safe) for name, value in target.send.headers.items()}


def columns_of(
    account_id: int, session: Session, assigned: str | None, status: str = "connected"
) -> dict[str, object]:
    """Return the row of an account, written long past."""
    return {
        "id": account_id,
        "workspace_id": session.workspace_id,
        "session_id": session.session_id,
        "phone_number": session.phone_number,
        "status": status,
        "assigned_instance_url": assigned,
        "updated_at": LONG_PAST,
    }


def tells_sent(target: Target, status: int, body: bytes) -> bool:
    """Return whether an answer says that the message was sent, by the target's own terms."""
    first, last = target.send.succeeded_status
    if not first <= status <= last:
        return False
    wanted = target.send.succeeded_json
    if not wanted:
        return True
    told = json_object(body)
    return told is not None and _has_at_least(told, wanted)


def _has_at_least(told: object, wanted: object) -> bool:
    """Return whether JSON has at least what is wanted of it, in objects within objects too."""
    if isinstance(told, Mapping) and isinstance(wanted, Mapping):
        return all(name in told and _has_at_least(told[name], value) for name, value in wanted.items())
    return told == wanted


def spoil(template: Any, placeholder: str, wrong: object) -> Any:
    """Replace each value of a template that has this placeholder by `wrong`, or drop it for MISSING."""
    match template:
        case dict():
            kept = {name: spoil(value, placeholder, wrong) for name, value in template.items()}
            return {name: value for name, value in kept.items() if value is not MISSING}
        case list():
            return [
                one for one in (spoil(each, placeholder, wrong) for each in template) if one is not MISSING
            ]
        case str() if placeholder in template:
            return wrong
        case _:
            return template
