"""Tries whether an implementation takes a message, and whether that makes it call the instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from fake_instances.journal import MessageDelivered, RequestArrived, RequestCompleted
from harness.attach import remedies
from harness.history import History, json_object
from harness.placeholders import filled_path
from harness.redaction import redact
from harness.run.doctor import logs
from harness.run.doctor.finding import Finding
from harness.run.doctor.webhooks import check_that_it_runs
from harness.scenario.client import sender_values
from harness.wording import counted_as

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contract import Target
    from harness.history import UserAnswered
    from harness.scenario.world import World

_SHOWN = 200
_UNREACHED = {502, 503, 504}
"""What is answered where no instance could be reached."""
_KEYS = {
    (True, True): "the key, but not all where it belongs",
    (True, False): "the key, but not where it belongs",
    (False, True): "another key",
    (False, False): "no key",
}
"""By whether calls have the right key somewhere, and whether they have any key where it belongs."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a message. `heard` is whether an instance was called, `has_key` whether with the right key."""

    findings: Sequence[Finding]
    heard: bool
    has_key: bool


def send_one(world: World, *, followed: bool) -> Sent:
    """Have a message sent whose row is right; `followed` is whether a webhook showed in that row before."""
    target, account = world.implementation.target, world.account
    before, known = world.journal.last, logs.count(world)
    whose = sender_values(target, account.id, account.session)
    url = world.implementation.base_url + filled_path(target.send.path, whose)
    tried = f"{target.send.method} {url}, to have a message sent"
    answer = world.send("is this heard?")
    check_that_it_runs(world, "while it takes a message")
    world.implementation.check_adapter()
    asked = _calls(world, before)
    if not asked and answer.told_sent:
        # It may send later what it has accepted.
        world.journal.wait_until(lambda: bool(_calls(world, before)), timeout=target.settle_seconds)
        world.fleet.settle(world.settings.verify_timeout_in_force)
        asked = _calls(world, before)
    entries = world.journal.entries(after=before)
    delivered = any(isinstance(one, MessageDelivered) for one in entries)
    refused = sum(1 for one in entries if isinstance(one, RequestCompleted) and one.status == 401)
    has_key = any(_names(one, world.secrets[0]) for one in asked)
    unattached = (
        delivered and not answer.told_sent and _is_read_wrongly(target, answer)
        if asked
        else _is_unheard_of(answer.status, followed=followed)
    )
    mend = remedies.of_message(answer, asked=bool(asked), delivered=delivered)
    came = told(world, answer) + logs.last_words(world, answer.status, known)
    findings = [
        Finding("messages", tried, came, mend, unattached=unattached and bool(mend)),
        _of_instances(world, answer, asked, refused, has_key=has_key, unattached=unattached),
    ]
    return Sent(findings, bool(asked), has_key)


def _of_instances(  # noqa: PLR0913 - what is known of the calls
    world: World,
    answer: UserAnswered,
    asked: Sequence[RequestArrived],
    refused: int,
    *,
    has_key: bool,
    unattached: bool,
) -> Finding:
    target, urls = world.implementation.target, ", ".join(world.fleet.urls)
    name, tried = "instances", f"watch the instances at {urls} meanwhile"
    if not asked:
        mend = remedies.of_silence(target, urls)
        if remedies.refused_unasked(answer.status):
            mend = "messages first, as above: it was not willing to send"
        return Finding(name, tried, "none was called", mend, unattached=unattached)
    if refused:
        another = any(map(_names_a_key, asked))
        came = f"{counted_as(refused, 'call')} answered 401: they have {_KEYS[has_key, another]}"
        # Who leaves the key out of a call may forget it; who has another one was given that.
        given = target.variable("API_KEY") != "API_KEY" or "API_KEY" in target.environment
        sure = not has_key and (another or given)
        return Finding(name, tried, came, remedies.of_refused_key(target), unattached=sure)
    several = len({one.instance for one in asked})
    return Finding(name, tried, f"{counted_as(len(asked), 'call')} came, to {several} of them")


def _calls(world: World, before: int) -> list[RequestArrived]:
    return [*History(world.journal.entries(after=before)).calls()]


def _names(call: RequestArrived, key: str) -> bool:
    """Return whether a call has the key, wherever it has it."""
    values = (value for _, value in call.headers)
    return any(key in text for text in (unquote(call.target), call.body.decode("utf-8", "replace"), *values))


def _names_a_key(call: RequestArrived) -> bool:
    """Return whether a call has a key where it belongs, whatever key."""
    query = parse_qs(urlsplit(call.target).query, keep_blank_values=True)
    return "api_key" in query or "api_key" in (json_object(call.body) or {})


def _is_unheard_of(status: int | None, *, followed: bool) -> bool:
    """Return whether it is the attachment, by how a message was answered for which no instance was called.

    Who gave no answer may have stopped short, and so may who broke, if its rows are the right ones.
    """
    if status is None:
        return False
    return status < 500 or status in _UNREACHED or not followed


def _is_read_wrongly(target: Target, answer: UserAnswered) -> bool:
    """Return whether an answer says nothing of what the target looks for in it, though the message went out."""
    if answer.status is None or not 200 <= answer.status <= 299:
        return False
    first, last = target.send.succeeded_status
    if not first <= answer.status <= last:
        return True
    there = json_object(answer.body)
    return there is None or _lacks(there, target.send.succeeded_json)


def _lacks(there: object, wanted: Mapping[str, object]) -> bool:
    """Return whether JSON has no such name as is looked for, in objects within objects too."""
    if not isinstance(there, dict):
        return True
    return any(
        name not in there or (isinstance(value, dict) and _lacks(there[name], value))
        for name, value in wanted.items()
    )


def told(world: World, answer: UserAnswered) -> str:
    """Return how a user was answered, in words."""
    if answer.status is None:
        return f"no answer: {answer.problem}"
    body = redact(answer.body, world.secrets)
    return f"it was answered {answer.status} {body if len(body) <= _SHOWN else f'{body[:_SHOWN]}…'}".strip()
