"""Draws what happened in a scenario as a sequence diagram: inline SVG that needs nothing else. Pure.

Colours and fonts are those of the page, by class; there is no style attribute, no script, no reference.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.catalogue.verdict import Outcome
from harness.report.events import CONTROL_PLANE, DATABASE, IMPLEMENTATION, STEP, STRANGER, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.catalogue.record import Record
    from harness.evidence import Event

INSTANCES = ("3001", "3002", "3003", "3004")
_LANES = (USER, CONTROL_PLANE, IMPLEMENTATION, DATABASE, *INSTANCES, STRANGER)
_ALWAYS = (USER, IMPLEMENTATION, DATABASE, *INSTANCES)
_ALWAYS_OF_GATEWAYS = (USER, CONTROL_PLANE, *INSTANCES)

_GUTTER = 72
_LANE = 138
_CHARACTER = 6.7
"""Pixels that a character of the diagram's font is wide."""
_EDGE = 6
_HEAD = 34
_ARROW_ROW, _NOTE_ROW, _STEP_ROW, _LINE = 34, 26, 30, 16

_SIGNS = {Outcome.FAILED: "✗", Outcome.BROKEN: "‼", Outcome.NOT_JUDGED: "?"}


def draw(scenario: Record) -> Markup:
    """Return the diagram of a scenario; empty when nothing was recorded."""
    events = scenario.evidence.events
    if not events:
        return Markup("")
    return _Drawing(events, scenario).drawn()


class _Drawing:
    """One diagram while it grows downwards."""

    def __init__(self, events: Sequence[Event], scenario: Record) -> None:
        self._events = events
        self._scenario = scenario
        used = {lane for event in events for lane in (event.source, event.target)}
        always = _ALWAYS_OF_GATEWAYS if CONTROL_PLANE in used else _ALWAYS
        lanes = [lane for lane in _LANES if lane in always or lane in used]
        self._x = {lane: _GUTTER + _LANE * place + _LANE // 2 for place, lane in enumerate(lanes)}
        self._width = _GUTTER + _LANE * len(lanes)
        self._y = _HEAD
        self._told_at = ""

    def drawn(self) -> Markup:
        """Return the whole picture."""
        rows = [row for place, event in enumerate(self._events) for row in self._row(place, event)]
        rows += self._end()
        height = self._y + 10
        label = f"What happened in: {self._scenario.name}"
        lifelines = [
            Markup('<line class="life" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(x, _HEAD - 4, height)
            for x in self._x.values()
        ]
        return Markup(
            '<svg role="img" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">{}{}{}</svg>'
        ).format(
            label,
            self._width,
            height,
            self._width,
            height,
            Markup("").join(lifelines),
            Markup("").join(self._heads()),
            Markup("").join(rows),
        )

    def _heads(self) -> Iterator[Markup]:
        for lane, x in self._x.items():
            name = f"instance {lane}" if lane in INSTANCES else lane
            yield Markup(
                '<rect class="head" x="{}" y="4" width="{}" height="22" rx="5"/>'
                '<text class="name" x="{}" y="19">{}</text>'
            ).format(x - _LANE // 2 + 5, _LANE - 10, x, name)

    def _row(self, place: int, event: Event) -> Iterator[Markup]:
        left_out = self._scenario.evidence.left_out
        if left_out and place == len(self._events) // 2:
            self._y += _NOTE_ROW
            yield self._text(f"… {left_out} more events, in the saved history …", self._middle, "faint")
        words = event.words if event.count == 1 else f"{event.words} ({event.count} times)"
        if event.source == STEP:
            yield self._step(words, failed=self._is_failed_step(place))
            return
        self._y += _ARROW_ROW if event.target else _NOTE_ROW
        yield self._time(event.at)
        if event.target:
            yield self._arrow(self._x[event.source], self._x[event.target], words, event.tone)
        else:
            yield self._note(self._x[event.source], words, event.tone)

    def _is_failed_step(self, place: int) -> bool:
        failed = self._scenario.outcome is not Outcome.PASSED
        return failed and not any(event.source == STEP for event in self._events[place + 1 :])

    @property
    def _middle(self) -> int:
        return (_GUTTER + self._width) // 2

    def _step(self, words: str, *, failed: bool) -> Markup:
        self._y += _STEP_ROW
        mark, kind = (f"{self._sign} ", "step wrong") if failed else ("", "step")
        return Markup(
            '<rect class="{}" x="0" y="{}" width="{}" height="22" rx="3"/><text class="says" x="8" y="{}">{}</text>'
        ).format(kind, self._y - 17, self._width, self._y - 2, self._cut(mark + words, self._width - 16))

    @property
    def _sign(self) -> str:
        return _SIGNS.get(self._scenario.outcome, "")

    def _arrow(self, start: int, end: int, words: str, tone: str) -> Markup:
        y, back = self._y, 8 if start > end else -8
        head = f"{end},{y} {end + back},{y - 4} {end + back},{y + 4}"
        return Markup(
            '<line class="arrow {}" x1="{}" x2="{}" y1="{}" y2="{}"/><polygon class="point {}" points="{}"/>{}'
        ).format(tone, start, end + back, y, y, tone, head, self._text(words, (start + end) // 2, tone, -6))

    def _note(self, x: int, words: str, tone: str) -> Markup:
        shown = self._cut(words, self._width - _GUTTER - 2 * _EDGE - 16)
        wide = round(len(shown) * _CHARACTER) + 16
        middle = self._fitting(x, wide)
        return Markup(
            '<rect class="note {}" x="{}" y="{}" width="{}" height="19" rx="9"/>'
            '<circle class="point {}" cx="{}" cy="{}" r="3"/>{}'
        ).format(
            tone,
            middle - wide // 2,
            self._y - 14,
            wide,
            tone,
            x,
            self._y - 14,
            self._text(shown, middle, tone),
        )

    def _text(self, words: str, x: int, tone: str, above: int = 0) -> Markup:
        shown = self._cut(words, self._width - _GUTTER - 2 * _EDGE)
        middle = self._fitting(x, round(len(shown) * _CHARACTER))
        return Markup('<text class="label {}" x="{}" y="{}">{}</text>').format(
            tone, middle, self._y + above, shown
        )

    def _time(self, at: float) -> Markup:
        told = f"{at:.3f} s"
        if told == self._told_at:
            return Markup("")
        self._told_at = told
        return Markup('<text class="time" x="{}" y="{}">{}</text>').format(_GUTTER - 10, self._y, told)

    def _end(self) -> Iterator[Markup]:
        """Mark the assertion that failed, below everything that happened before it."""
        if self._scenario.outcome is Outcome.PASSED:
            return
        evidence = self._scenario.evidence
        if evidence.expected:
            paragraphs = [f"expected {evidence.expected}", f"observed {evidence.observed}"]
        else:
            paragraphs = [self._scenario.reason]
        most = int((self._width - 40) / _CHARACTER)
        lines = [
            line for one in paragraphs for part in one.splitlines() for line in textwrap.wrap(part, most)
        ]
        lines = [*lines[:12], "…"] if len(lines) > 12 else lines
        top = self._y + 12
        self._y = top + _LINE * len(lines) + 8
        yield Markup('<rect class="finding" x="1" y="{}" width="{}" height="{}" rx="4"/>').format(
            top, self._width - 2, self._y - top
        )
        says = Markup('<text class="says" x="{}" y="{}">{}</text>')
        yield says.format(12, top + _LINE, self._sign)
        for place, line in enumerate(lines, start=1):
            yield says.format(28, top + _LINE * place, line)

    def _fitting(self, x: int, wide: int) -> int:
        """Return the middle nearest to x at which something so wide stays inside the picture."""
        least, most = _GUTTER + _EDGE + wide // 2, self._width - _EDGE - wide // 2
        return max(least, min(x, most))

    @staticmethod
    def _cut(words: str, room: int) -> str:
        most = int(room / _CHARACTER)
        return words if len(words) <= most else f"{words[: most - 1]}…"
