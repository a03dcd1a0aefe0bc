"""Checks over a finished history and the rows: each passes silently or raises ConformanceFailure. Pure.

They judge what happened, never how an implementation is built: any of the three routes is a verification,
and error texts bind only where a requirement quotes them.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from fake_instances.journal import FaultExecuted, MessageDelivered
from harness.contract import MARGIN
from harness.errors import ConformanceFailure, TimeBoundFailure
from harness.history import UserAnswered, json_object
from harness.wording import few, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from fake_instances.journal import RequestArrived, WebhookAnswered
    from harness.contract import LogLine, Row, Settings
    from harness.history import History

_MOST_LINES = 2
"""Lines of the log that a finding quotes; they are alike."""


def delivered_once(history: History, session_id: str, text: str, on: int) -> None:
    """Check that a text went out over the session exactly once, from one instance."""
    deliveries = history.deliveries(session_id, text)
    if [delivery.instance for delivery in deliveries] == [on]:
        return
    raise ConformanceFailure(
        f"instance {on} delivers {quoted(text)} exactly once", _told_of_deliveries(history, session_id, text)
    )


def each_to_its_own(history: History) -> None:
    """Check that whatever went out went over its account's session to the person whom its user named.

    Texts tell the messages apart: two users who wrote the same words may have named two people.
    """
    named: dict[str, set[tuple[str, str]]] = {}
    for send in history.sends.values():
        named.setdefault(send.text, set()).add((send.session_id, send.recipient))
    for delivery in history.of(MessageDelivered):
        allowed = named.get(delivery.text, set())
        if allowed and (delivery.session_id, delivery.recipient) not in allowed:
            wanted = " or ".join(
                f"{recipient} over session {session}" for session, recipient in sorted(allowed)
            )
            raise ConformanceFailure(
                f"{quoted(delivery.text)} goes to {wanted}",
                f"instance {delivery.instance} sent it to {delivery.recipient} over session {delivery.session_id}",
            )


def told_of_own_message(history: History) -> None:
    """Check that no user was told the id of a message that went out for somebody else."""
    messages = {one.message_id: one for one in history.of(MessageDelivered)}
    for answer in history.of(UserAnswered):
        send, told = history.sends[answer.call], (json_object(answer.body) or {}).get("message_id")
        message = messages.get(told) if isinstance(told, str) else None
        if message is not None and (message.session_id, message.text) != (send.session_id, send.text):
            raise ConformanceFailure(
                f"the user who sent {quoted(send.text)} is told of that message",
                f"the answer has the id of {quoted(message.text)}: {answer.body}",
            )


def text_not_posted(history: History, session_id: str, text: str, to: int) -> None:
    """Check that an instance was not posted this text."""
    posts = [
        one
        for one in history.posts(session_id)
        if one.instance == to and (json_object(one.body) or {}).get("message") == text
    ]
    if posts:
        raise ConformanceFailure(
            f"{quoted(text)} is not posted to instance {to}", told_of_posts(history, posts)
        )


def type_handed_on(history: History, session_id: str, on: int, kind: str) -> None:
    """Check that an instance was posted a message of this type."""
    posts = [one for one in history.posts(session_id) if one.instance == on]
    types = [(json_object(one.body) or {}).get("type") for one in posts]
    if types != [kind]:
        told = ", ".join("none" if one is None else shown(one) for one in types)
        raise ConformanceFailure(
            f"instance {on} is posted one message, of type {shown(kind)}",
            f"it was posted {len(types)}, of type {told}" if types else "it was posted none",
        )


def delivered_nowhere(history: History, session_id: str) -> None:
    """Check that nothing went out over the session."""
    if deliveries := history.deliveries(session_id):
        raise ConformanceFailure(
            "no instance delivers anything",
            ", ".join(f"instance {one.instance} delivered {quoted(one.text)}" for one in deliveries),
        )


def nothing_posted(history: History, session_id: str, to: int | None = None) -> None:
    """Check that no message was posted to any instance, or to one."""
    where = "any instance" if to is None else f"instance {to}"
    posts = [post for post in history.posts(session_id) if to in {None, post.instance}]
    if posts:
        raise ConformanceFailure(f"no message is posted to {where}", told_of_posts(history, posts))


def told_sent(answer: UserAnswered) -> None:
    """Check that the user was told that the message was sent."""
    if not answer.told_sent:
        raise ConformanceFailure("the user is told that the message was sent", told_of_answer(answer))


def told_failed(answer: UserAnswered) -> None:
    """Check that the user got an answer, and that it does not say "sent"."""
    if answer.told_sent or answer.status is None:
        raise ConformanceFailure("the user is told that the message was not sent", told_of_answer(answer))


def says_not_found_anywhere(answer: UserAnswered) -> None:
    """Check that a failure says the session was found in no instance, by its sentence or by its code."""
    said = answer.body.lower()
    if "session_not_found" not in said and not ("session" in said and "not found" in said):
        raise ConformanceFailure(
            "the error says that the session was not found in any instance", told_of_answer(answer)
        )


def webhook_answered(answer: WebhookAnswered | None, statuses: Container[int], wanted: str) -> None:
    """Check that a webhook was answered with one of these statuses, called `wanted` in a failure."""
    if answer is not None and answer.status in statuses:
        return
    if answer is None or not answer.status:
        observed = f"it got no answer: {'none came in time' if answer is None else answer.reason}"
    else:
        said = answer.body.decode("utf-8", "replace").strip()
        observed = f"it was answered {answer.status} {said[:200]}".rstrip()
    raise ConformanceFailure(f"the webhook is answered {wanted}", observed)


def webhook_accepted(answer: WebhookAnswered | None) -> None:
    """Check that a webhook was answered with success."""
    webhook_answered(answer, range(200, 300), "2xx")


def verified_before_each_post(history: History, session_id: str, number_of: Mapping[str, int]) -> None:
    """Check that each send asked the assigned instance whether it holds the session before it posted.

    `number_of` gives an instance's number by its URL. A send whose row named none of them had nobody to ask.
    """
    sends = [send for send in history.sends.values() if send.session_id == session_id]
    for post in history.posts(session_id):
        send = next((one for one in reversed(sends) if one.sequence < post.sequence), None)
        if send is None:
            raise ConformanceFailure(
                "a message is posted when a user sends one",
                f"instance {post.instance} was posted a message before any user sent one",
            )
        assigned = number_of.get((send.assigned or "").removesuffix("/"))
        if assigned is None:
            continue
        asked = [
            verification
            for verification in history.verifications(session_id, assigned)
            if send.sequence < verification.sequence < post.sequence
        ]
        if not asked:
            raise ConformanceFailure(
                f"instance {assigned} is asked whether it holds the session before a message is posted",
                f"{quoted(send.text)} was posted to instance {post.instance}, and instance {assigned} "
                "had not been asked before whether it holds the session",
            )


def row_says(row: Row | None, url: str | None, name: str) -> None:
    """Check that a row is assigned to this URL, called `name` in a failure."""
    if row is None:
        raise ConformanceFailure(f"the row is assigned to {name}", "the row is gone")
    if (row.assigned_instance_url or "").removesuffix("/") != (url or ""):
        raise ConformanceFailure(
            f"the row is assigned to {name} ({url})",
            f"its assigned_instance_url is {row.assigned_instance_url or shown(row.assigned_instance_url)}",
        )


def row_untouched(before: Row, after: Row | None, whose: str) -> None:
    """Check that a row was not written: every column is as it was, `updated_at` too."""
    if after is None:
        raise ConformanceFailure(f"{whose} is not written", "the row is gone")
    if difference := before.difference(after):
        raise ConformanceFailure(f"{whose} is not written", difference)


def rows_untouched(rows: Sequence[tuple[int, Row, Row | None]]) -> None:
    """Check that none of these rows was written. Each is given as an account, its row before, and its row now."""
    written: list[str] = []
    for account, before, after in rows:
        try:
            row_untouched(before, after, "the row")
        except ConformanceFailure as failure:
            written.append(f"of account {account}: {failure.observed}")
    if written:
        raise ConformanceFailure(
            f"none of {len(rows)} rows is written", f"{len(written)} are; {'; '.join(written)}"
        )


def column_is(row: Row | None, column: str, value: object) -> None:
    """Check that a column of a row has a value."""
    observed = "the row is gone" if row is None else f"its {column} is {shown(row.columns[column])}"
    if row is None or str(row.columns[column]) != str(value):
        raise ConformanceFailure(f"the row's {column} is {shown(value)}", observed)


def matching(lines: Iterable[LogLine], text: str, fields: Mapping[str, object]) -> list[LogLine]:
    """Return the lines with a contract text and these fields. URLs match with or without a trailing slash."""
    return [
        line
        for line in lines
        if text in line.text and all(_same(line.fields.get(name), value) for name, value in fields.items())
    ]


def logged(lines: Sequence[LogLine], text: str, fields: Mapping[str, object]) -> None:
    """Check that the log has a line with this text and these fields."""
    if matching(lines, text, fields):
        return
    wanted = ", ".join(f"{name} {shown(value)}" for name, value in fields.items())
    raise ConformanceFailure(
        f"the log has a line {quoted(text)} with {wanted}", _nearest(lines, text, fields)
    )


def _nearest(lines: Sequence[LogLine], text: str, fields: Mapping[str, object]) -> str:
    """Say what the log has instead: the fields in which the last such line differs, or the last other lines."""
    near = [line for line in lines if text in line.text]
    if not near:
        last = "; ".join(line.text for line in lines[-5:])
        return f"it has no such line, but {last}" if last else "it has no line at all from this scenario"
    line = near[-1]
    differing = [
        f"{name} {shown(line.fields[name])}" if name in line.fields else f"no {name}"
        for name, value in fields.items()
        if not _same(line.fields.get(name), value)
    ]
    return f"it has {len(near)}, the last with {' and '.join(differing)}: {line.text}"


def logged_times(lines: Sequence[LogLine], text: str, session_id: str, count: int) -> None:
    """Check that the log has exactly so many lines with this text about a session."""
    found = matching(lines, text, {"session_id": session_id})
    if len(found) != count:
        observed = few([line.text for line in found], _MOST_LINES, "; ") or "none"
        raise ConformanceFailure(
            f"the log has {count or 'no'} line {quoted(text)} of the session", f"it has {observed}"
        )


def sessions_counted(sessions: Mapping[str, object], count: int, number: int) -> None:
    """Check that an instance's own health counts so many sessions, all connected."""
    if (sessions.get("total"), sessions.get("connected")) != (count, count):
        observed = f"total {sessions.get('total')}, connected {sessions.get('connected')}"
        raise ConformanceFailure(f"instance {number} counts {count} sessions, all connected", observed)


def took_at_most(answer: UserAnswered, seconds: float, why: str) -> None:
    """Check that a user was answered within a time plus MARGIN."""
    if answer.seconds > seconds + MARGIN:
        raise TimeBoundFailure(
            f"the user is answered within {why} ({seconds:g} s, and {MARGIN:g} s of margin)",
            f"it took {answer.seconds:.2f} s",
        )


def given_up_in_time(history: History, session_id: str, on: int, settings: Settings, now: float) -> None:
    """Check that every verification that an instance never answered was given up after the verify timeout.

    It was given up when its connection was closed, or when the user was answered: who stops waiting may leave
    the connection to something else. One that is still young at the time `now` is not judged.
    """
    limit = settings.verify_timeout_in_force
    hung = {entry.request for entry in history.of(FaultExecuted) if entry.instance == on}
    for verification in history.verifications(session_id, on):
        if verification.request not in hung:
            continue
        ended = history.completions.get((on, verification.request))
        ends = [ended.at] if ended is not None and ended.ending == "caller left" else []
        ends += [one.at for one in history.answers_to(session_id) if one.at > verification.at]
        seconds = min(ends, default=now) - verification.at
        if seconds > limit + MARGIN:
            raise TimeBoundFailure(
                f"a verification that instance {on} never answers is given up after {limit:g} s",
                f"it was given up after {seconds:.2f} s" if ends else "it was never given up",
            )


def waited_for(history: History, session_id: str, on: int) -> None:
    """Check that an instance's answer about the session went out whole before its caller left."""
    asked = history.verifications(session_id, on)
    ended = [history.completions.get((on, one.request)) for one in asked]
    if not any(one is not None and one.ending == "answered" for one in ended):
        waits = [one.at - question.at for one, question in zip(ended, asked, strict=True) if one is not None]
        observed = f"its caller left after {max(waits):.2f} s" if waits else "it was not asked"
        raise TimeBoundFailure(f"the answer of instance {on} about the session is waited for", observed)


def told_of_answer(answer: UserAnswered) -> str:
    """Describe what the implementation answered a user."""
    if answer.status is None:
        return f"the user got no answer: {answer.problem}"
    verdict = "sent" if answer.told_sent else "not sent"
    return f'the user was told "{verdict}": status {answer.status}, {answer.body or "an empty body"}'


def _told_of_deliveries(history: History, session_id: str, text: str) -> str:
    deliveries = history.deliveries(session_id)
    same = [delivery for delivery in deliveries if delivery.text == text]
    if same:
        by = ", ".join(f"instance {delivery.instance}" for delivery in same)
        return f"it was delivered {len(same)} time{'s' if len(same) > 1 else ''}, by {by}"
    posts = history.posts(session_id)
    answers = history.answers_to(session_id)
    told = told_of_posts(history, posts) if posts else "no message of its session was posted to any instance"
    if answers:
        told += f"; {told_of_answer(answers[-1])}"
    other = [quoted(delivery.text) for delivery in deliveries]
    changed = f"; delivered instead: {', '.join(other)}" if other else ""
    return f"no instance delivered it; {told}{changed}"


def told_of_posts(history: History, posts: Sequence[RequestArrived]) -> str:
    """Describe which instances were posted a message, and what they answered."""
    told = []
    for post in posts:
        answer = history.answers.get((post.instance, post.request))
        what = "did not answer" if answer is None else f"answered {answer.status}"
        told.append(f"instance {post.instance} was posted {_posted(post)} and {what}")
    counted = [(words, len(list(alike))) for words, alike in groupby(told)]
    return ", ".join(words if count == 1 else f"{words}, {count} times" for words, count in counted)


def _posted(post: RequestArrived) -> str:
    """Name a posted message by its text, if that can be read."""
    text = (json_object(post.body) or {}).get("message")
    return quoted(text) if isinstance(text, str) else "the message"


def _same(found: object, wanted: object) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        return found.removesuffix("/") == wanted.removesuffix("/")
    return found == wanted
