"""The likely causes of a run as lines for a terminal: a sentence, what fails, and the clearest scenario. Pure."""

from __future__ import annotations

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
    yield from (f"      {line}" for line in told[:_MOST_WORDS])


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
    happened = evidence.timeline
    if len(happened) > room:
        first = room // 3
        left = counted_as(len(happened) - room, "more line")
        happened = (
            *happened[:first],
            f"          … {left}: {MORE}",
            *happened[len(happened) - (room - first) :],
        )
    yield from (_line(one) for one in happened)


def _observed(observed: str) -> Iterator[str]:
    """Yield what was observed; of an implementation that ended, that is its last output too."""
    yield _line(f"observed  {observed}")
    rest = observed.splitlines()[1:]
    yield from (_line(f"          {one}") for one in rest[-_MOST_REST:])


def _line(text: str) -> str:
    first = visible(" ".join(text.splitlines()[:1]))
    return "      " + (first if len(first) <= _LONGEST_LINE else f"{first[:_LONGEST_LINE]}…")
