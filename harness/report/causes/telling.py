"""The likely causes of a run as lines for a terminal: a sentence, what fails, and the clearest scenario. Pure."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from harness.wording import counted_as, cut, few, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.catalogue.record import Record
    from harness.report.model import CauseReport, Report, RequirementReport

WIDTH = 110
MOST_DRAWN = 5
"""Causes that are shown with what happened; a screen has room for few."""
MOST_NAMED = 3
"""Further causes that are only named."""
_ROOM = 78
"""Lines for all causes that are shown."""
_AROUND = 9
"""Lines that a cause takes beside what happened."""
_LEAST_HAPPENED = 6
_MOST_REQUIREMENTS = 10
_MOST_REST, _MOST_WORDS = 6, 2
_LONGEST_LINE = 150
_POLL = re.compile(r"→ instance \d+: GET |: \d{3} to GET |→ implementation: GET |→ user: \d{3} (?!, )")
_TIMES = re.compile(r" \((\d{1,9}) times\)$")
_ACT = re.compile(
    r"user →|→ user: (?:\d{3}, |no answer)|: webhook |POST |: delivers |database|goes wrong|: log: "
    r"|instance \d+ → implementation|implementation → instance \d+: \d{3} "
)
"""What was done, and what came of it, as far as a finding may rest on it."""
MORE = "-v, or the report"


def heading(causes: Sequence[CauseReport]) -> str:
    """Return how many causes there are."""
    return "1 cause" if len(causes) == 1 else f"{len(causes)} causes, worst first"


def carried(cause: CauseReport) -> str:
    """Return the requirements and the number of scenarios that a cause makes fail, in a line."""
    return f"{few(cause.requirements, _MOST_REQUIREMENTS)}: {counted_as(len(cause.scenarios), 'scenario')}"


def cause_lines(report: Report) -> list[str]:
    """Return the likely causes of what failed; none where nothing did."""
    causes = report.causes
    if not causes:
        return []
    records = {one.id: one for one in report.scenarios}
    drawn = causes[:MOST_DRAWN]
    room = max(_LEAST_HAPPENED, _ROOM // len(drawn) - _AROUND)
    lines = [heading(causes)]
    for number, one in enumerate(drawn, start=1):
        shown = records[one.scenarios[0]]
        first = next(each for each in report.requirements if each.id in shown.requirement_ids and each.judged)
        lines += [*_head(number, one), *_words(first), *_shown(shown, room)]
    for number, one in enumerate(causes[MOST_DRAWN : MOST_DRAWN + MOST_NAMED], start=MOST_DRAWN + 1):
        lines += _head(number, one)
    if len(causes) > MOST_DRAWN + MOST_NAMED:
        lines.append(f"and {len(causes) - MOST_DRAWN - MOST_NAMED} more causes: {MORE}")
    return lines


def _head(number: int, cause: CauseReport) -> Iterator[str]:
    words = textwrap.wrap(visible(cause.words), WIDTH - 4)
    yield f"{number:>2}  {words[0]}"
    yield from (f"    {line}" for line in words[1:3])
    yield from textwrap.wrap(carried(cause), WIDTH, initial_indent="    ", subsequent_indent="    ")


def _words(one: RequirementReport) -> Iterator[str]:
    told = textwrap.wrap(f"{one.id} ({one.level.value}, {one.profile.value}): {one.words}", WIDTH - 6)
    more = "…" if len(told) > _MOST_WORDS else ""
    yield from (f"      {line}" for line in told[: _MOST_WORDS - 1])
    yield from (f"      {line}{more}" for line in told[_MOST_WORDS - 1 : _MOST_WORDS])


def _shown(record: Record, room: int) -> Iterator[str]:
    """Yield what happened in a scenario: its end is where it failed, and its beginning says what was set up."""
    row = f" [{record.row}]" if record.row else ""
    yield f"      scenario  {cut(record.name + row, 80)} (features/{record.file}:{record.line})"
    evidence = record.evidence
    if evidence.expected:
        yield _line(f"expected  {evidence.expected}")
        yield from _observed(evidence.observed)
    else:
        yield _line(f"problem   {record.reason}")
    yield from (_line(one) for one in excerpt(evidence.timeline, room))


def excerpt(timeline: Sequence[str], room: int) -> list[str]:
    """Return the lines of a timeline for which there is room: polls folded, what was done and its end kept."""
    lines = _folded(timeline)
    if len(lines) <= room:
        return lines
    last = len(lines) - 1
    when = next((place for place, one in enumerate(lines) if "── When " in one), 0)

    def weight(place: int) -> tuple[int, int]:
        line = lines[place]
        if place in {last, when}:
            return 0, -place
        if _ACT.search(line):
            return (1 if place > when else 2), -place
        return 3, -place

    kept = sorted(sorted(range(len(lines)), key=weight)[:room])
    told: list[str] = []
    before = -1
    for place in kept:
        if place > before + 1:
            told.append(f"          … {counted_as(place - before - 1, 'more line')}: {MORE}")
        told.append(lines[place])
        before = place
    return told


def _folded(timeline: Sequence[str]) -> list[str]:
    """Make one line of the same question, or the same answer, between two acts, however often it came."""
    lines: list[str] = []
    times: list[int] = []
    places: dict[str, int] = {}
    for line in timeline:
        _, _, words = line.partition(" s  ")
        words, count = _counted(words)
        if not _POLL.search(words):
            places.clear()
        elif words in places:
            times[places[words]] += count
            continue
        else:
            places[words] = len(lines)
        lines.append(_TIMES.sub("", line))
        times.append(count)
    return [
        f"{line} ({count} times)" if count > 1 else line for line, count in zip(lines, times, strict=True)
    ]


def _counted(words: str) -> tuple[str, int]:
    found = _TIMES.search(words)
    return (words[: found.start()], int(found[1])) if found else (words, 1)


def _observed(observed: str) -> Iterator[str]:
    """Yield what was observed; of an implementation that ended, that is its last output too."""
    yield _line(f"observed  {observed}")
    rest = observed.splitlines()[1:]
    yield from (_line(f"          {one}") for one in rest[-_MOST_REST:])


def _line(text: str) -> str:
    first = visible(" ".join(text.splitlines()[:1]))
    return "      " + (first if len(first) <= _LONGEST_LINE else f"{first[:_LONGEST_LINE]}…")
