"""Checks of the profile resilience: each passes silently or raises ConformanceFailure. Pure.

Free text binds nobody: a failure is judged by its code where it has one of the contract's (section 3), and by
its words only as far as they can mean but one thing.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_instances.faults import Endpoint
from fake_instances.journal import MessageDelivered
from harness import log_events
from harness.checks.sending import delivered_once, matching, told_failed, told_of_answer, told_of_posts
from harness.errors import ConformanceFailure, TimeBoundFailure
from harness.history import History, UserAnswered, json_object
from harness.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.contract import LogLine

_CERTAINLY_NOT_SENT = frozenset(
    {
        "account_not_found",
        "invalid_message",
        "session_not_found",
        "session_unverifiable",
        "rejected_by_instance",
    }
)
_DENIAL = re.compile(
    r"\b(was|been|is|were|be|could) ?n[o']t\b[^.;]{0,30}\b(sent|send|delivered|deliver)\b"
    r"|\bnot (sent|delivered)\b"
    r"|\b(failed|unable) to (send|deliver)\b"
    r"|\b(message|send|sending|delivery) (has )?failed\b",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(may|might|perhaps|possibly|maybe|whether|unknown|unclear|uncertain|unsure|unconfirmed|if it was)\b"
    r"|\bnot (be )?(known|clear|sure|certain|confirmed)\b|\bcould have\b|\bcannot (tell|say|be confirmed)\b",
    re.IGNORECASE,
)
_UNASKED = re.compile(
    r"\bcould ?n[o']t (be )?(ask|reach|verif|contact|check|quer|determin)"
    r"|\bcannot (be )?(ask|reach|verif|contact|check|quer|determin)"
    r"|\bunable to (ask|reach|verif|contact|check|quer|determin)"
    r"|\bunreachable\b|\bunavailable\b|\bunasked\b|\bnot (all )?(be )?(asked|reached|verified|reachable|available)\b"
    r"|\b(did|do|does|is) ?n[o']t (answer|respond|reply)|\bno (answer|response|reply)\b"
    r"|\bnot (answering|responding)\b"
    r"|\btim(ed|e) ?-?out\b|\bunverifi|\binconclusive\b|\boffline\b|\bis down\b|\bconnection (was )?refused\b",
    re.IGNORECASE,
)
_OF_NO_USE = {Endpoint.HEALTH, Endpoint.HEALTH_READY}
"""Endpoints that neither tell of sessions nor take messages."""


# What was posted


def posted_at_most(history: History, session_id: str, most: int) -> None:
    """Check that the message was posted at least once and at most so often, over all instances."""
    posts = history.posts(session_id)
    if 1 <= len(posts) <= most:
        return
    wanted = (
        "the message is posted once in all" if most == 1 else f"the message is posted {most} times at most"
    )
    told = told_of_posts(history, posts) if posts else "it was never posted"
    raise ConformanceFailure(wanted, f"{told}: {len(posts)} in all" if posts else told)


def nothing_went_out_twice(history: History) -> None:
    """Check that nothing went out more often than it was sent: the same words to the same person, over a session."""
    sent = Counter((one.session_id, one.recipient, one.text) for one in history.sends.values())
    gone = Counter((one.session_id, one.recipient, one.text) for one in history.of(MessageDelivered))
    for (session_id, recipient, text), times in sent.items():
        if gone[session_id, recipient, text] > times:
            by = ", ".join(
                f"instance {one.instance}"
                for one in history.deliveries(session_id, text)
                if one.recipient == recipient
            )
            raise ConformanceFailure(
                f"{quoted(text)} goes out at most as often as it was sent: {times} times",
                f"it went out by {by}",
            )


def nothing_went_out_after_a_denial(history: History) -> None:
    """Check that no message went out after its user was told for certain that it was not sent.

    The same words to the same person are as many messages: which of them went out nobody can say.
    """
    sent = Counter((one.session_id, one.recipient, one.text) for one in history.sends.values())
    for answer in history.of(UserAnswered):
        send = history.sends[answer.call]
        if sent[send.session_id, send.recipient, send.text] > 1 or not _denies(answer):
            continue
        later = [
            one
            for one in history.deliveries(send.session_id, send.text)
            if one.sequence > answer.sequence and one.recipient == send.recipient
        ]
        if later:
            raise ConformanceFailure(
                f"{quoted(send.text)} does not go out any more after its user was told that it was not sent",
                f"{told_of_answer(answer)}, and later instance {later[0].instance} delivered it",
            )


def no_instance_posted_twice(history: History, session_id: str) -> None:
    """Check that no instance was posted the message twice."""
    posts = history.posts(session_id)
    if len({post.instance for post in posts}) < len(posts):
        raise ConformanceFailure("no instance is posted the message twice", told_of_posts(history, posts))


def told_what_became_of_it(history: History, session_id: str, text: str, answer: UserAnswered) -> None:
    """Check that a text went out once and the user was told so, or never and the user was told of a failure."""
    deliveries = history.deliveries(session_id, text)
    if len(deliveries) > 1:
        by = ", ".join(f"instance {one.instance}" for one in deliveries)
        raise ConformanceFailure(f"{quoted(text)} goes out at most once", f"it went out by {by}")
    if answer.told_sent != bool(deliveries):
        became = "went out" if deliveries else "did not go out"
        raise ConformanceFailure(
            "the user is told what became of the message", f"it {became}, and {told_of_answer(answer)}"
        )
    if not deliveries:
        told_failed(answer)


def delivered_where_held(history: History, session_id: str) -> None:
    """Check that each message went out once, by the instance that held the session when it was sent."""
    for send in history.sends.values():
        if send.session_id != session_id:
            continue
        before = History(tuple(entry for entry in history.entries if entry.sequence < send.sequence))
        (holder,) = before.holders(session_id)
        delivered_once(history, session_id, send.text, holder)


def sent_over_own_sessions(history: History, session_ids: Iterable[str]) -> None:
    """Check that each text went out once, over the session of its own account."""
    over = {one: [delivery.text for delivery in history.deliveries(one)] for one in session_ids}
    for send in history.sends.values():
        found = [one for one, texts in over.items() for text in texts if text == send.text]
        if found != [send.session_id]:
            observed = f"it went out over {', '.join(found)}" if found else "it did not go out"
            raise ConformanceFailure(
                f"{quoted(send.text)} goes out once, over session {send.session_id} of its account", observed
            )


def each_send_delivered(history: History, session_id: str, on: int) -> None:
    """Check that an instance delivered as many messages to each person as were sent there, with these words."""
    sends = [one for one in history.sends.values() if one.session_id == session_id]
    wanted = Counter((one.recipient, one.text) for one in sends)
    found = Counter((one.recipient, one.text) for one in history.deliveries(session_id) if one.instance == on)
    for (recipient, text), times in wanted.items():
        if found[recipient, text] != times:
            raise ConformanceFailure(
                f"instance {on} delivers {quoted(text)} to {recipient} {times} times, as often as it was sent",
                f"it delivered it {found[recipient, text]} times",
            )


@dataclass(frozen=True, slots=True)
class Trouble:
    """What was sent since an instance is well again, the last after so many seconds unless it went out before."""

    texts: tuple[str, ...]
    seconds: float


def used_again(history: History, session_id: str, on: int, over: Trouble, answer: UserAnswered) -> None:
    """Check that an instance that is well again delivered one of the messages, and no other instance did."""
    found = [one for one in history.deliveries(session_id) if one.text in over.texts]
    if {one.instance for one in found} != {on}:
        elsewhere = ", ".join(f"instance {one.instance}" for one in found if one.instance != on)
        told = f"{elsewhere} delivered it" if found else f"none of {len(over.texts)} messages went out"
        raise ConformanceFailure(
            f"instance {on}, which is well again, delivers a message within one verify timeout ({over.seconds:g} s)",
            f"{told}, and {told_of_answer(answer)}",
        )


# What was asked


def asked_at_most(history: History, session_id: str, most: int) -> None:
    """Check that no instance was asked more often than this whether it holds the session."""
    asked = Counter(verification.instance for verification in history.verifications(session_id))
    if any(times > most for times in asked.values()):
        told = ", ".join(f"instance {number} {times} times" for number, times in sorted(asked.items()))
        raise ConformanceFailure(f"no instance is asked more than {most} times", f"asked were: {told}")


def no_instance_called(history: History) -> None:
    """Check that no send makes the implementation call an instance about sessions or messages.

    An earlier question may arrive late, so only calls after each of several sends count.
    """
    starts = [send.sequence for send in history.sends.values()]
    ends = [*starts[1:], history.entries[-1].sequence + 1]
    calls = [
        [one for one in history.calls() if start < one.sequence < end and one.endpoint not in _OF_NO_USE]
        for start, end in zip(starts, ends, strict=True)
    ]
    if all(calls):
        told = ", ".join(
            f"instance {one.instance} ({one.method} {one.target.split('?')[0]})" for one in calls[-1]
        )
        raise ConformanceFailure("no instance is called", f"these were called, after each send: {told}")


# What users are told


def refused_below_500(answer: UserAnswered) -> None:
    """Check that a send was answered with an error below 500."""
    if answer.status is None or answer.told_sent or not 400 <= answer.status < 500:
        raise ConformanceFailure("the send is answered with an error below 500", told_of_answer(answer))


def not_denied_for_certain(answer: UserAnswered) -> None:
    """Check that the user got an answer, and that it does not deny for certain that the message was sent.

    It does by a code that means so, or by words that deny it and leave no doubt.
    """
    if answer.status is None or _denies(answer):
        raise ConformanceFailure(
            "the user is not told for certain that the message was not sent", told_of_answer(answer)
        )


def _denies(answer: UserAnswered) -> bool:
    code, said = code_of(answer), answer.body
    if answer.told_sent or code == "delivery_unknown":
        return False
    return code in _CERTAINLY_NOT_SENT or (_DENIAL.search(said) is not None and _DOUBT.search(said) is None)


def nowhere_not_said(answer: UserAnswered, lines: Sequence[LogLine], session_id: str) -> None:
    """Check that neither the answer's code nor the log claims that every instance was asked and none holds it."""
    expected = "nothing says that the session is in no instance"
    if code_of(answer) == "session_not_found":
        raise ConformanceFailure(expected, told_of_answer(answer))
    if found := matching(lines, log_events.NOT_ANYWHERE, {"session_id": session_id}):
        raise ConformanceFailure(expected, f"the log has {found[0].text}")


def says_unasked(answer: UserAnswered, lines: Sequence[LogLine], session_id: str, url: str) -> None:
    """Check that a failure says that an instance could not be asked: by code, words, its URL, or the log's line."""
    place = url.partition("://")[2]
    says = (
        code_of(answer) == "session_unverifiable"
        or _UNASKED.search(answer.body) is not None
        or place in answer.body.replace("\\/", "/")
        or bool(matching(lines, log_events.UNVERIFIABLE, {"session_id": session_id}))
    )
    if not says:
        raise ConformanceFailure(
            f"the failure says that {url} could not be asked",
            f'{told_of_answer(answer)}; the log has no line "{log_events.UNVERIFIABLE}" of the session',
        )


def logged_unasked(lines: Sequence[LogLine], session_id: str, url: str) -> None:
    """Check that the log has the line of a scan that could not ask this instance, with its text and its fields."""
    found = matching(lines, log_events.UNVERIFIABLE, {"session_id": session_id})
    unasked = [line.fields.get("unasked") for line in found]
    if not any(
        url in [str(each).removesuffix("/") for each in one] for one in unasked if isinstance(one, list)
    ):
        wanted = f'the log has a line "{log_events.UNVERIFIABLE}" of the session, with {url} in unasked'
        last = (
            found[-1].text
            if found
            else "no such line; the last: " + "; ".join(line.text for line in lines[-3:])
        )
        raise ConformanceFailure(wanted, f"it has {last}")


def took_less_than(answer: UserAnswered, seconds: float, why: str) -> None:
    """Check that a user was answered in less than a time."""
    if answer.seconds >= seconds:
        raise TimeBoundFailure(
            f"the user is answered in less than {why} ({seconds:g} s)", f"it took {answer.seconds:.2f} s"
        )


def code_of(answer: UserAnswered) -> str | None:
    """Return the code of a failure, or None."""
    code = (json_object(answer.body) or {}).get("code")
    return code if isinstance(code, str) else None
