"""Tries whether the log of an implementation can be read, and finds what it says of an answer that tells nothing."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from harness import log_events
from harness.attach import remedies
from harness.errors import ConformanceFailure, NotJudgedError
from harness.redaction import redact
from harness.run.doctor.finding import Finding
from harness.wording import counted_as

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contract import LogLine
    from harness.scenario.world import World

_BROKEN = 500
_SHOWN = 200
_ACCESS = re.compile(
    r"""\b(GET|POST|PUT|DELETE)\b["']?\s+(https?://)?\S*/\S*.*\b[1-5][0-9][0-9]\b|HTTP/[12]"""
)
_TROUBLE = re.compile("error|exception|fatal|critical|panic|traceback", re.IGNORECASE)
_EVENTS = (
    log_events.AUTO_SYNC,
    log_events.VERIFIED,
    log_events.NOT_IN_ASSIGNED,
    log_events.SYNCED,
    log_events.NOT_ANYWHERE,
    log_events.UNVERIFIABLE,
    log_events.CORRECTED,
    log_events.REFUSED_LOCATION,
)


def count(world: World) -> int:
    """Return how many lines there are now; 0 where they cannot be read."""
    with contextlib.suppress(NotJudgedError, OSError):
        return len(world.log_lines())
    return 0


def last_words(world: World, status: int | None, known: int) -> str:
    """Return what it logged after the first `known` lines, where an answer says that it broke.

    The line that tells most is the first of trouble. A line that only repeats request and status tells nothing.
    """
    if status is None or status < _BROKEN:
        return ""
    with contextlib.suppress(NotJudgedError, OSError):
        lines = [line.text.strip() for line in world.log_lines()[known:]]
        telling = [line for line in lines if line and not _ACCESS.search(line)]
        if telling:
            chosen = next((line for line in telling if _TROUBLE.search(line)), telling[-1])
            more = f" (1 of {len(telling)} lines)" if len(telling) > 1 else ""
            return f"; it logged{more}: {redact(chosen, world.secrets)[:_SHOWN]}"
    return ""


def finding(world: World, *, sent: bool) -> Finding:
    """Find out whether the log says anything of what was tried; `sent` is whether a message was."""
    target = world.implementation.target
    name, tried = "its log", f"read what it logged of all this, via {target.log}"

    def logged() -> int:
        lines = [line.text for line in world.log_lines()]
        if not lines:
            raise ConformanceFailure("there is a line", "nothing was logged")
        # Where no message was sent nothing need be logged of its session.
        if sent and not any(world.account.session_id in line for line in lines):
            raise ConformanceFailure(
                "a line names the session", f"{counted_as(len(lines), 'line')}, none with the session"
            )
        return len(lines)

    try:
        return Finding(name, tried, counted_as(world.soon(logged), "line"))
    except (NotJudgedError, OSError) as problem:
        key = "log.path" if target.log == "http" else "log.file"
        return Finding(name, tried, str(problem), f"{key} must name its log", unattached=True)
    except ConformanceFailure as problem:
        lines = [redact(line.text, world.secrets) for line in world.log_lines() if line.text.strip()]
        gone = target.log == "file" and not world.implementation.log.exists()
        came = problem.observed + (", and there is no such file" if gone else "")
        session_id = world.account.session_id
        mend = remedies.of_log_without(session_id, lines) if lines else remedies.of_empty_log(target)
        another = _is_another(world, sent=sent, gone=gone)
        if not another and any(map(_is_of_the_contract, _all_lines(world))):
            # Which events it logs is for scenarios to judge.
            return Finding(name, tried, f"{problem.observed}; but it has other lines of events")
        return Finding(name, tried, came, mend, unattached=another)


def _is_another(world: World, *, sent: bool, gone: bool) -> bool:
    """Return whether what is read cannot be the log: it says nothing, and nothing in the contract's form.

    Who leaves out single lines writes others. Who opened the file that it was given, and says nothing there, logs
    nothing: that is for scenarios to judge.
    """
    target = world.implementation.target
    if gone:
        return True
    lines = _all_lines(world)
    if not any(line.text.strip() for line in lines):
        return target.log == "stderr" or (bool(target.url) and sent)
    return sent and not any(map(_is_of_the_contract, lines))


def _all_lines(world: World) -> Sequence[LogLine]:
    """Return the lines of this run: of what is launched, all that there are."""
    implementation = world.implementation
    return world.log_lines() if implementation.target.url else implementation.log.lines(0)


def _is_of_the_contract(line: LogLine) -> bool:
    return bool(line.fields) or any(text in line.text for text in _EVENTS)
