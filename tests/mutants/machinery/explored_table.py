"""A page of what the explorer found, and why it did not find the rest, made of the lines that a sweep saved."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_TIME = "is about time alone, which stories do not judge"
_REASONS = {
    "AUTH-12": "needs a launch with another signature window",
    "HEALTH-07": "needs a check that runs by itself at an interval",
    "HEALTH-09": "needs a webhook that lands in the middle of a check",
    "MANUAL-01": "is a step of the manual test, told by the requirement that it breaks on the way",
    "MANUAL-02": "is a step of the manual test, told by the requirement that it breaks on the way",
    "SCAN-07": _TIME,
    "SCAN-11": "needs a webhook that lands in the middle of a scan",
    "SEND-10": _TIME,
    "SEND-14": _TIME,
    "TIMELINE-01": "is the whole incident, told by the requirements that it breaks on the way",
    "VERIFY-06": "needs a launch without a verify timeout",
    "VERIFY-12": "needs thousands of sessions on an instance",
}
"""Why no story finds what breaks a requirement."""
_REASONS_OF = {
    "asked-three-times": _TIME,
    "assigned-instance-given-little-time": "needs an answer that is late and yet in time",
    "check-reads-short-answers-only": "needs thousands of sessions on an instance",
    "check-reads-the-first-page-of-a-list": "needs many sessions on an instance",
    "dry-run-counts-sync-events": "needs the counts of monitoring",
    "every-message-a-text": "needs a message with a type of its own",
    "every-send-asks-for-itself": "needs many sends while answers are late",
    "send-timeout-used-for-verification": _TIME,
    "time-of-the-office": "needs a launch in another time zone",
    "time-of-the-wall-clock": "needs a launch in another time zone",
    "timeout-ends-with-the-headers": _TIME,
    "timeout-for-each-read": _TIME,
    "node-timeout-for-each-read": _TIME,
    "what-cannot-be-noted-was-not-sent": "needs a row that is removed while its message is on its way",
}
"""Why no story finds one defect."""
_FOUND = re.compile(r"story \d+: (?P<story>.*); then: (?P<then>.*); observed: .*", re.DOTALL)
_LONGEST = 400

Result = dict[str, object]


def results(path: Path) -> list[Result]:
    """Return what a sweep saved; of a defect that was tried more than once, what came last."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return sorted({one["name"]: one for one in lines}.values(), key=_order)


def page(found: Sequence[Result]) -> str:
    """Return the page, as Markdown."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Sequence[Result]) -> Iterator[str]:
    caught = [one for one in found if _is_caught(one)]
    missed = [one for one in found if not _is_caught(one)]
    otherwise = sum(bool(one["found"]) for one in missed)
    yield "# What the explorer finds by itself"
    yield ""
    yield (
        f"Of {len(found)} [known defects](../features/known-defects.json) of control planes the explorer finds "
        f"{len(caught)} ({len(caught) / max(len(found), 1):.0%}) by the very requirement that they break, without "
        f"being told, and {otherwise} more by another one."
    )
    yield ""
    yield "Made by `python -m tests.mutants.machinery.explored --save FILE`, and then `--table FILE`."
    yield ""
    yield "## Found"
    yield ""
    yield "| defect | requirement | story | stories | seconds |"
    yield "|---|---|---|--:|--:|"
    for one in caught:
        wanted = str(one["wanted"])
        after, seconds = _after(one, wanted)
        yield f"| {one['name']} | {wanted} | {_story(one, wanted)} | {after} | {seconds} |"
    yield ""
    yield "## Not found"
    yield ""
    yield "| defect | requirement | why | found by |"
    yield "|---|---|---|---|"
    for one in missed:
        yield f"| {one['name']} | {one['wanted']} | {_reason(one)} | {', '.join(_others(one))} |"


def _order(one: Mapping[str, object]) -> tuple[str, str]:
    return str(one["wanted"]), str(one["name"])


def _others(one: Result) -> Mapping[str, str]:
    found = one["found"]
    assert isinstance(found, dict)
    return found


def _is_caught(one: Result) -> bool:
    return one["wanted"] in _others(one)


def _reason(one: Result) -> str:
    known = _REASONS_OF.get(str(one["name"])) or _REASONS.get(str(one["wanted"]))
    if known:
        return known
    return "is told by another requirement" if _others(one) else "not met in its time"


def _after(one: Result, requirement: str) -> tuple[object, object]:
    after = one.get("after")
    return tuple(after[requirement]) if isinstance(after, dict) else (one["stories"], one["seconds"])  # type: ignore[return-value]


def _story(one: Result, requirement: str) -> str:
    told = _FOUND.fullmatch(_others(one)[requirement])
    if told is None:
        return ""
    text = f"{told['story']}; then: {told['then']}".replace("|", "\\|").replace("`", "'")
    return f"`{text[:_LONGEST]}`"
