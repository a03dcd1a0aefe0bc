"""What went wrong first in one failed scenario, in terms of what the implementation did. Pure.

A rule reads the last turn before the finding: what was asked for, who was asked, what was posted and written.
Where no rule knows better, the finding itself is the deviation, without what differs by chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.causes import counts
from harness.report.causes.abstraction import kind_of
from harness.report.causes.turns import Occasion, last_turn, set_up_urls, went_wrong
from harness.wording import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.catalogue.record import Record
    from harness.report.causes.turns import Turn

LONGEST_WORDS = 160
_INSTANCES = 4

_ENDED = re.compile(r"^the implementation goes on running")
_SILENT = re.compile(r"connection refused|ConnectionRefused|NewConnectionError", re.IGNORECASE)

_DELIVERED = re.compile(
    r"^instance \d+.* delivers |goes out (exactly )?once|is told that the message was sent"
)
_ASKED = re.compile(r"is asked whether it holds the session before")
_EFFECT_OF_A_SEND = re.compile(
    r"^no message is posted|^the error says|log has|metric|counted|alert|greps count"
)
_TO_A_PERSON = re.compile(r"goes to (?P<person>\S+) over session (?P<session>\S+)")
_SENT_TO = re.compile(r"sent it to (?P<person>\S+) over session (?P<session>\S+)")
_TO_EACH = re.compile(r'delivers (?P<text>".*") to (?P<person>\S+) \d+ times')

_ROW = re.compile(r"^(the row|row \d+|every row) is assigned to |^the row names one of ")
_URL = re.compile(r"(?:its assigned_instance_url is|it names) ([^;\n]+)")
_IN_TIME = re.compile(r" within [\d.]+ s$")
_NOT_WRITTEN = re.compile(
    r"^(?:.*row|none of \d+ rows) is not written$|^none of \d+ rows is written|^the row stays"
)
_WEBHOOK_REFUSED = re.compile(r"^the webhook is answered 4")
_WEBHOOK_TAKEN = re.compile(r"^the webhook is answered 2xx")

_CHECK = re.compile(r"^the check reports \d")
_CATEGORIES = ("unreachable", "failed", "updated", "verified")
_WORDED = re.compile(r"\b(\d{1,6}) (checked|verified|updated|failed|unreachable)\b")
_AS_JSON = re.compile(r'"(checked|verified|updated|failed|unreachable)": ?(\d{1,6})\b')

_LOG = re.compile(r'the log has .*?"(?:[^"]+" or ")?(?P<line>[^"]+)"|a line "(?P<other>[^"]+)"')
_UNDUE = re.compile(r'^(?:the log has no line|no line reports) "([^"]+)"')
_DIFFERS = re.compile(r"it has \d+, the last with (\w{1,40}) ")
_NO_LINE = re.compile(r"the log has no line|^no line ")
_ABSENT = re.compile(r"no such line|no line at all|it has none|it has no |^there is none|^none\b")
_COUNTED = re.compile(r"greps count|\b(is|are) counted\b|more are counted|^the metric \S+ went up")


@dataclass(frozen=True, slots=True)
class Deviation:
    """What a scenario and others alike have in common, and a sentence, without its full stop, about the mistake."""

    key: tuple[str, ...]
    words: str


def deviation_of(record: Record) -> Deviation:
    """Return the deviation of a scenario that failed."""
    evidence = record.evidence
    turn = last_turn(evidence.events)
    for rule in _RULES:
        if (found := rule(record, turn)) is not None:
            return found
    expected, observed = _first(evidence.expected), _first(evidence.observed)
    if not expected:
        return Deviation(("problem", kind_of(record.reason, "")[0]), _first(record.reason))
    return Deviation(
        ("finding", *kind_of(evidence.expected, evidence.observed)),
        f"Expected that {expected}; observed: {observed}",
    )


def _ended(record: Record, turn: Turn) -> Deviation | None:
    del turn
    if not _ENDED.search(record.evidence.expected):
        return None
    return Deviation(("ended",), f"The implementation ended by itself: {_first(record.evidence.observed)}")


def _silent(record: Record, turn: Turn) -> Deviation | None:
    theirs = turn.occasion in {Occasion.SEND, Occasion.REPORT} and not turn.answer
    if not theirs or not _SILENT.search(record.evidence.observed):
        return None
    return Deviation(("silent",), "The implementation refused the connection")


# Sends


def _sent_unasked(record: Record, turn: Turn) -> Deviation | None:
    if turn.occasion is not Occasion.SEND or not turn.posted or turn.asked:
        return None
    explains = (_ASKED, _ROW, _EFFECT_OF_A_SEND, *(() if turn.delivered else (_DELIVERED,)))
    if not any(one.search(record.evidence.expected) for one in explains):
        return None
    words = (
        "A message was posted to the instance that the row names, and no instance was asked before "
        "whether it holds the session"
    )
    return Deviation(("send", "unasked"), words)


def _other_person(record: Record, turn: Turn) -> Deviation | None:
    del turn
    evidence, words = record.evidence, "A message went out to another person than the one it was for"
    due, seen = _TO_A_PERSON.search(evidence.expected), _SENT_TO.search(evidence.observed)
    if due and seen and due["session"] != seen["session"]:
        return Deviation(
            ("send", "other session"), "A message went out over another session than its account's"
        )
    if due and seen and due["person"] != seen["person"]:
        return Deviation(("send", "other person"), words)
    if (each := _TO_EACH.search(evidence.expected)) is None:
        return None
    sent = [one.words for one in evidence.events if one.words.startswith(f"delivers {each['text']} to ")]
    if sent and not any(one.endswith(f" to {each['person']}") for one in sent):
        return Deviation(("send", "other person"), words)
    return None


def _not_delivered(record: Record, turn: Turn) -> Deviation | None:
    if (
        turn.occasion is not Occasion.SEND
        or turn.delivered
        or not _DELIVERED.search(record.evidence.expected)
    ):
        return None
    wrong = went_wrong(record.evidence.events)
    when = "While an instance went wrong, a" if wrong else "A"
    fault = "with a fault" if wrong else "without faults"
    if turn.posted:
        statuses = " and ".join(dict.fromkeys(turn.post_statuses)) or "no status"
        words = f"{when} message went to an instance that did not deliver it, which answered {statuses}"
        return Deviation(("send", "posted in vain", statuses, fault), words)
    if not turn.asked:
        told = turn.answer or "with nothing"
        words = f"{when} send was answered {told}, and no instance was asked or posted anything"
        return Deviation(("send", "nothing done", turn.answer, fault), words)
    if len(turn.asked) < _INSTANCES:
        words = f"{when} send was given up before every instance was asked whether it holds the session"
        return Deviation(("send", "given up", fault), words)
    words = (
        f"{when} message was not posted, though every instance was asked and one of them holds the session"
    )
    return Deviation(("send", "not recognised", fault), words)


# Rows


def _row_wrong(record: Record, turn: Turn) -> Deviation | None:
    evidence = record.evidence
    if not _ROW.search(evidence.expected) or not (found := _URL.search(evidence.observed)):
        return None
    unchanged = (found[1].strip("'\"") or "null") in set_up_urls(evidence.events)
    match turn.occasion:
        case _ if unchanged and _IN_TIME.search(evidence.expected):
            return Deviation(("check", "not by itself"), "No health check of its own moved the row in time")
        case Occasion.WEBHOOK if unchanged and not turn.answer.startswith("2"):
            return _webhook_answered(turn.answer)
        case Occasion.WEBHOOK if unchanged:
            words = (
                "A webhook named the holder of the session, was answered 2xx, and the row kept its old URL"
            )
            return Deviation(("webhook", "not written"), words)
        case Occasion.WEBHOOK if evidence.expected.startswith("the row names one of "):
            words = "A webhook wrote a location into the row that is no configured instance"
            return Deviation(("webhook", "foreign location written"), words)
        case Occasion.WEBHOOK:
            words = "A webhook wrote another URL into the row than that of the holder of the session"
            return Deviation(("webhook", "wrong location written"), words)
        case Occasion.SEND if unchanged and turn.delivered:
            words = "A message was sent through the holder, and the row kept its wrong URL"
            return Deviation(("send", "row not repaired"), words)
        case _:
            return None


def _written_unduly(record: Record, turn: Turn) -> Deviation | None:
    by = {Occasion.SEND: "send", Occasion.WEBHOOK: "webhook", Occasion.REPORT: "health check"}
    if not _NOT_WRITTEN.search(record.evidence.expected) or turn.occasion not in by:
        return None
    # Whose row, and which of its columns, is what distinguishes two mistakes.
    column = record.evidence.observed.partition(" was ")[0].rpartition(" ")[2][:40]
    told = f" ({column})" if column.isidentifier() else ""
    words = f"A {by[turn.occasion]} wrote what it had to leave alone in a row{told}"
    return Deviation(("row", "written unduly", turn.occasion.value, column), words)


def _webhook_refused(record: Record, turn: Turn) -> Deviation | None:
    if turn.occasion is Occasion.WEBHOOK and _WEBHOOK_TAKEN.search(record.evidence.expected):
        return _webhook_answered(turn.answer)
    return None


def _webhook_accepted(record: Record, turn: Turn) -> Deviation | None:
    due = turn.occasion is Occasion.WEBHOOK and _WEBHOOK_REFUSED.search(record.evidence.expected)
    if not due or not turn.answer.startswith("2"):
        return None
    words = f"A webhook that had to be refused was accepted with {turn.answer}"
    return Deviation(("webhook", "accepted", turn.answer), words)


def _webhook_answered(status: str) -> Deviation:
    told = f"was answered {status}" if status else "got no answer"
    words = f"A webhook that had to be accepted {told}, and changed nothing"
    return Deviation(("webhook", "answered", status), words)


# Reports, log and counts


def _report_refused(record: Record, turn: Turn) -> Deviation | None:
    del record
    if turn.occasion is not Occasion.REPORT or not turn.answer or turn.answer[0] not in "45":
        return None
    asked = turn.events[0].words
    return Deviation(("report", asked, turn.answer), f"{asked} was answered {turn.answer}")


def _checked_wrongly(record: Record, turn: Turn) -> Deviation | None:
    evidence = record.evidence
    about_rows = bool(_ROW.search(evidence.expected))
    if turn.occasion is not Occasion.REPORT or not (about_rows or _CHECK.search(evidence.expected)):
        return None
    seen = _counts(evidence.observed) or _counts(" ".join(one.words for one in turn.events))
    due = _counts(evidence.expected)
    category = next((one for one in _CATEGORIES if seen.get(one, 0) > due.get(one, 0)), "")
    if not category:
        return None
    wrong = went_wrong(evidence.events)
    told = f"The health check{' met an instance that went wrong, and' if wrong else ''} counted a row as {category}"
    told += ", and left its wrong URL" if about_rows else " that is not"
    return Deviation(("check", category, "with a fault" if wrong else "without faults"), told)


def _counts(text: str) -> dict[str, int]:
    """Return the counts of a health check in a text, as the harness words them or as JSON has them."""
    found = {name: int(count) for count, name in _WORDED.findall(text)}
    return found or {name: int(count) for name, count in _AS_JSON.findall(text)}


def _line_missing(record: Record, turn: Turn) -> Deviation | None:
    evidence = record.evidence
    if not (found := _LOG.search(evidence.expected)) or _NO_LINE.search(evidence.expected):
        return None
    line = found["line"] or found["other"]
    if not _ABSENT.search(evidence.observed) and line in evidence.observed:
        return None
    after = {
        Occasion.SEND: " after a send",
        Occasion.WEBHOOK: " after a webhook",
        Occasion.REPORT: " after a check",
    }
    words = f'The log lacks the line "{line}"{after.get(turn.occasion, "")}'
    return Deviation(("log", line, turn.occasion.value), words)


def _line_differs(record: Record, turn: Turn) -> Deviation | None:
    del turn
    evidence = record.evidence
    line, differs = _LOG.search(evidence.expected), _DIFFERS.match(evidence.observed)
    if line is None or differs is None:
        return None
    told = line["line"] or line["other"]
    return Deviation(
        ("log", "differs", told, differs[1]), f'The line "{told}" is logged with another {differs[1]}'
    )


def _line_undue(record: Record, turn: Turn) -> Deviation | None:
    del turn
    if not (found := _UNDUE.search(record.evidence.expected)):
        return None
    return Deviation(
        ("log", "undue", found[1]), f'The log has the line "{found[1]}", and no such thing happened'
    )


def _counted_wrongly(record: Record, turn: Turn) -> Deviation | None:
    del turn
    evidence = record.evidence
    if not _COUNTED.search(evidence.expected):
        return None
    what, how = counts.off(evidence.expected, evidence.observed)
    return Deviation(("counted", what, how), f"In log, report or metrics, {what} are counted {how}")


_RULES: Sequence[Callable[[Record, Turn], Deviation | None]] = (
    _ended,
    _silent,
    _sent_unasked,
    _other_person,
    _not_delivered,
    _row_wrong,
    _written_unduly,
    _webhook_refused,
    _webhook_accepted,
    _report_refused,
    _checked_wrongly,
    _line_missing,
    _line_differs,
    _line_undue,
    _counted_wrongly,
)


def _first(text: str) -> str:
    return cut(next(iter(text.splitlines()), "").strip(), LONGEST_WORDS)
