"""Promises about what users send. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_instances.faults import Answer, AnswersHollow, DeniesSession, Redirect, SendsThenFails
from harness.explore.promises.base import (
    LOCATION_EVENTS,
    NOTHING_SHOWN,
    SENDS,
    SPOOFS,
    Promise,
    is_webhook,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.explore.promises.base import Moment
    from harness.explore.situation import Situation

NEVER_TWICE = "no message went out twice"
NEVER_LATE = "no message went out after its user was told that it did not"
_MOST_SILENT = 2
"""How many instances may misbehave at once without hiding the holder (SCAN-05)."""
_MOST_LYING = 1
"""How many instances may lie: who was told a lie may try one other copy and no more."""
_REFUSALS = 300
_SLOW = ("drips its answer byte by byte", "falls silent in mid-answer")
_DELIVERS = {
    "sends": 'instance {holder} delivers "{message}" once',
    "sends-to-number": 'instance {holder} delivers "{message}" once',
    "sends-content": "instance {holder} delivers the text with {content} once, unchanged",
}
_TELLS_SENT = "the user is told that it was sent"
_TELLS_NOT = "the user is told that it was not sent"
_UNWRITTEN = "the row was not written"
_NOTHING_LEAKED = "nothing of the message, its recipient or the API key reached the stranger"


def of_send(moment: Moment) -> Iterator[Promise]:
    """Make the promises about one message of the first account's user."""
    before = moment.before
    # Who is led astray by a row sends nothing to the holder: that is what the row's requirement says.
    is_row = moment.has("row-names")
    if not is_row:
        yield from _nothing_outside(moment)
    if before.pending:
        yield from _of_race(moment)
    elif not before.holders:
        yield from _nowhere(moment)
    elif before.holder is None:
        yield from _held_twice(moment)
    elif before.holder in before.silent:
        yield from _holder_silent(moment)
    elif before.holder in before.odd_posts:
        yield from _odd_answer(moment)
    elif _is_surely_found(before):
        yield from _delivered(moment, before.holder)
    if moment.action.kind.name == "sends":
        yield from _honest(moment)
    if is_row:
        yield from _nothing_outside(moment)


def _is_surely_found(before: Situation) -> bool:
    """Say whether the one holder, which answers truly and in time, is found whatever else misbehaves.

    Whoever believed a copy that is not connected was answered 400 there, and need not try another (SEND-05).
    """
    misled = before.misreporting and before.named != before.holder
    return not misled and len(before.silent) <= _MOST_SILENT and len(before.lying) <= _MOST_LYING


def of_earlier_sends(moment: Moment) -> Iterator[Promise]:
    """Whatever follows a message, it does not go out again, nor at all once its user was told that it did not."""
    if moment.has(*SENDS):
        lost = moment.has("sends-then-fails", "answers-hollow")
        yield Promise("SEND-04" if lost else "SEND-01", NEVER_TWICE)
        yield Promise("SEND-02", NEVER_LATE)


def _nothing_outside(moment: Moment) -> Iterator[Promise]:
    """Messages and keys are for configured instances, and so are questions, wherever an instance redirects them.

    Who asks at a location that a webhook named does so without them.
    """
    if moment.names_stranger:
        yield Promise("SPOOF-02", _NOTHING_LEAKED)
    elif moment.has("redirects") and not moment.has(*SPOOFS):
        yield Promise("SPOOF-06", "nothing at all reached the stranger")
    if moment.log and (moment.before.odd_posts or moment.before.silent or moment.before.dialect):
        yield Promise("AUTH-11", NOTHING_SHOWN)


def _honest(moment: Moment) -> Iterator[Promise]:
    """Whoever reads the instance's answer knows what became of a message, unless that answer is lost or hollow."""
    if not moment.before.odd_posts and not moment.before.lying:
        yield Promise("SEND-02", f'the user is told what became of "{moment.action["message"]}"')


def _delivered(moment: Moment, holder: int) -> Iterator[Promise]:
    """The one holder answers truly and in time, and at most two others do not: a scan finds it, the message goes out.

    Copies that are not connected and other tenants' sessions change nothing about that. Nor does one instance that
    lies, but whoever believed it may have moved the row there.
    """
    action, before = moment.action, moment.before
    words = _DELIVERS[action.kind.name].format(
        holder=holder, message=action.get("message"), content=action.get("content")
    )
    why = requirement_of_delivery(moment)
    yield Promise(why, words)
    if action.kind.name == "sends" and moment.first_send and before.well:
        yield Promise("SEND-01", f'instance {holder} is handed the type "text"')
    if action.kind.name == "sends-to-number":
        yield Promise("SEND-01", "the message goes to that very number")
    yield Promise(why, _TELLS_SENT)
    if before.named is not None and before.named not in before.silent and (moment.first_send or moment.plain):
        yield Promise(
            "VERIFY-01" if moment.first_send else "VERIFY-03",
            "the assigned instance was asked before every post",
        )
    if before.named == holder:
        if not moment.has("set-row-status"):
            yield Promise("VERIFY-14" if before.slash else "VERIFY-02", _UNWRITTEN)
        if moment.log:
            yield Promise(
                "VERIFY-14" if before.slash else "VERIFY-02",
                f"the log says that the session was verified in instance {holder}",
            )
    elif not before.lying:
        yield from _repaired(moment, holder, why)


def _repaired(moment: Moment, holder: int, why: str) -> Iterator[Promise]:
    """A scan found the one holder, and nobody lied: the row is moved there, and no other."""
    before = moment.before
    yield Promise(why if why != "SEND-01" else "SCAN-01", f"the row is assigned to instance {holder}")
    if before.named is not None and moment.log:
        yield Promise(
            "SCAN-02",
            f"the log says that a scan moved the URL from instance {before.named} to instance {holder}",
        )
    if before.named is not None and before.named not in before.silent and moment.first_send:
        yield Promise(
            "VERIFY-13" if moment.has("account-with-id") else "VERIFY-04",
            f"no message is posted to instance {before.named}",
        )
    yield Promise("STATE-01", "its updated_at is the time of the write, in UTC")
    if moment.other_before is not None:
        yield Promise("SCAN-01", "every other account's row was not written")


def requirement_of_delivery(moment: Moment) -> str:  # noqa: C901, PLR0911, PLR0912 - a table, in order
    """Return the requirement whose scene this is, the most special one first."""
    before, name = moment.before, moment.action.kind.name
    if moment.has("account-with-id"):
        return "VERIFY-10" if before.dialect else "VERIFY-13"
    if name in {"sends-content", "sends-to-number"}:
        return "SEND-01"
    if before.lying:
        return "SEND-13"
    if moment.has("set-row-status"):
        return "SEND-12"
    if before.slash:
        return "VERIFY-14"
    if before.named is None:
        return "VERIFY-11"
    if before.dialect:
        return "VERIFY-10"
    if before.named in before.silent:
        how = [one["behaviour"] for one in moment.of("misbehaves") if one["number"] == before.named]
        return (
            "VERIFY-08"
            if how and how[-1] in _SLOW
            else "VERIFY-05"
            if "never answers" in how
            else "VERIFY-07"
        )
    if before.silent:
        return "SCAN-05"
    if before.copies:
        return "VERIFY-09"
    if moment.has("holds-alike", "holds-else-the-same"):
        return "VERIFY-04"
    if others := [one["number"] for one in moment.of("holds-others")]:
        return "VERIFY-04" if before.named in others else "SCAN-04"
    if moment.has("instance-restarted", "closed-idle"):
        return "SEND-17"
    if moment.has("is-well-again", "all-is-well-again"):
        return "SEND-18"
    if moment.has(*SPOOFS) or any(
        one.get("event") in LOCATION_EVENTS and one.get("number") != before.holder for one in moment.earlier
    ):
        return "SPOOF-03"
    if before.named == before.holder and any(is_webhook(one) for one in moment.earlier):
        return "WEBHOOK-13"
    if not moment.first_send:
        return "VERIFY-03"
    return "SCAN-01" if before.named != before.holder else "VERIFY-02"


def _held_twice(moment: Moment) -> Iterator[Promise]:
    """Two instances hold it, and the assigned one, which is one of them, says so: nothing is to be repaired."""
    before = moment.before
    yield from _held_and_odd(moment)
    if before.named in before.holders and before.well and moment.action.kind.name == "sends":
        yield Promise(
            "WEBHOOK-13" if any(is_webhook(one) for one in moment.earlier) else "SCAN-10",
            f'instance {before.named} delivers "{moment.action["message"]}" once',
        )
        if not before.slash and not moment.has("set-row-status"):
            yield Promise("SCAN-10", _UNWRITTEN)


def _held_and_odd(moment: Moment) -> Iterator[Promise]:
    """Several instances hold it, and some of them do something else with the message than to send it.

    Who redirects it has answered. Who denies it gives the way to another that holds it.
    """
    before = moment.before
    if before.silent or before.dialect or moment.action.kind.name != "sends" or not before.odd_posts:
        return
    denying = {
        number
        for number, faults in before.odd_posts.items()
        if len(faults) == 1 and isinstance(faults[0], DeniesSession)
    }
    if before.named not in before.holders or before.lying != denying:
        return
    if denying == before.holders and moment.first_send:
        yield Promise("SEND-06", "the message is posted at most eight times in all")
        yield Promise("SEND-06", _TELLS_NOT)
    elif denying == {before.named} == {*before.odd_posts} and len(before.holders) == 2:
        (other,) = before.holders - denying
        yield Promise("SEND-13", f'instance {other} delivers "{moment.action["message"]}" once')
        yield Promise("SEND-13", _TELLS_SENT)
    elif {*before.odd_posts} == {before.named}:
        (fault,) = before.odd_posts[before.named][:1]
        if isinstance(fault, Redirect):
            yield from _posted_once(moment, "SEND-05")
            yield Promise("SEND-05", _TELLS_NOT)


def _nowhere(moment: Moment) -> Iterator[Promise]:
    """Nobody holds the session, so nothing can go out, and no instance gives a reason to touch the row."""
    before = moment.before
    if before.lying:
        yield Promise("SEND-05", _TELLS_NOT)
        if moment.first_send:
            yield Promise("SEND-05", "no instance is posted the message twice")
        return
    yield Promise("VERIFY-09" if before.copies else "SCAN-03", _TELLS_NOT)
    yield Promise("VERIFY-09" if before.copies else "SCAN-06" if before.silent else "SCAN-03", _UNWRITTEN)
    if before.copies or before.dialect:
        return
    if before.silent:
        if moment.first_send and not before.passing:
            yield Promise("SCAN-08", "nothing says that the session is nowhere")
            for number in sorted(before.silent):
                yield Promise("SCAN-08", f"the failure says that instance {number} could not be asked")
            if moment.log and len(before.silent) == 1:
                (number,) = before.silent
                yield Promise(
                    "SCAN-08",
                    f"the log says that the session could not be verified, instance {number} being unasked",
                )
        return
    yield Promise("SCAN-03", "the error says that the session was not found in any instance")
    if moment.first_send:
        yield Promise("SCAN-03", "no message is posted to any instance")
    if moment.log:
        yield Promise("SCAN-03", "the log says that the session is in no instance")


def _holder_silent(moment: Moment) -> Iterator[Promise]:
    """The holder cannot be asked and nobody else holds the session: nothing is known that could move the row."""
    before = moment.before
    if not before.lying and before.holder not in before.passing:
        yield Promise("SCAN-06", _UNWRITTEN)


def _odd_answer(moment: Moment) -> Iterator[Promise]:
    """The holder says that it holds the session, and then does something else with the message.

    A row that is right leads there without a scan. What the instance itself knows of the message, its user must not
    be told otherwise.
    """
    before, holder = moment.before, moment.before.holder
    faults = before.odd_posts[holder] if holder is not None else ()
    if len(faults) != 1 or before.silent or before.named != holder or {*before.lying} - {holder}:
        return
    (fault,) = faults
    if isinstance(fault, SendsThenFails):
        yield from _posted_once(moment, "SEND-04")
        yield Promise("SEND-04", "the user is not told for certain that it was not sent")
    elif isinstance(fault, DeniesSession):
        yield Promise("SEND-06", _TELLS_NOT)
        if moment.first_send:
            yield Promise("SEND-06", "the message is posted at most eight times in all")
    elif isinstance(fault, AnswersHollow):
        yield Promise("SEND-11", _TELLS_SENT if fault.delivered else _TELLS_NOT)
        yield from _posted_once(moment, "SEND-11")
    elif isinstance(fault, Redirect):
        yield Promise("SEND-02", _TELLS_NOT)
        yield from _posted_once(moment, "SEND-05")
    elif isinstance(fault, Answer) and fault.status < _REFUSALS:
        yield Promise("SEND-11", _TELLS_NOT)
        yield from _posted_once(moment, "SEND-11")
    elif isinstance(fault, Answer):
        yield Promise("SEND-02", _TELLS_NOT)
        if fault.status in {400, 401, 403, 409, 422, 429}:
            yield from _posted_once(moment, "SEND-05")


def _posted_once(moment: Moment, requirement: str) -> Iterator[Promise]:
    if moment.first_send:
        yield Promise(requirement, "the message is posted once in all")


def _of_race(moment: Moment) -> Iterator[Promise]:
    """The session moves in one step in the middle of the send, once, and nobody else misbehaves: it is followed."""
    before, now = moment.before, moment.now
    races = [one for one in moment.earlier if one.kind.name.startswith("moves-")]
    races = [one for one in races if one.kind.name != "moves-unannounced"]
    if (
        len(races) == 1
        and not now.pending
        and before.holder == before.named == races[0]["old"]
        and now.holder == races[0]["new"]
        and not before.silent
        and moment.action.kind.name == "sends"
        and not {*before.lying, *before.odd_posts} - {before.holder}
        and not moment.has("denies", "sends-then-fails", "answers-hollow", "messages-hang", "refuses-message")
    ):
        yield Promise("SEND-03", f'instance {now.holder} delivers "{moment.action["message"]}" once')
        yield Promise("SEND-03", _TELLS_SENT)


def of_other_send(moment: Moment) -> Iterator[Promise]:
    """Two accounts do not get in each other's way: the other's message goes out over its own session, or not."""
    other, message = moment.other_before, moment.action["message"]
    if other is not None and other.holder is not None and other.is_plain(other.holder) and not other.pending:
        if len(other.silent) > _MOST_SILENT or other.lying:
            return
        yield Promise("SEND-08", f'instance {other.holder} delivers "{message}" of the other account once')
    elif other is not None and not other.holders and other.well and moment.first_send:
        yield Promise("SEND-08", "no instance delivers anything for any account")


def of_wrong_send(moment: Moment) -> Iterator[Promise]:
    """What cannot be sent is refused before anybody is asked."""
    if moment.first_send:
        yield Promise("SEND-09", "both sends are refused with an error below 500")
        if moment.before.well:
            yield Promise("SEND-09", "no instance is called for them")
