"""A run as a badge: as JSON for a badge service's endpoint, and as an SVG that needs none. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.catalogue.verdict import Conclusion, Outcome
from harness.report.formats.templating import filled

if TYPE_CHECKING:
    from harness.report.model import Report

LABEL = "instance sync"
_COLOURS = {
    Conclusion.CONFORMANT: ("brightgreen", "#17713f"),
    Conclusion.NON_CONFORMANT: ("red", "#b3261e"),
    Conclusion.INCOMPLETE: ("yellow", "#8a5a00"),
    Conclusion.HARNESS_ERROR: ("lightgrey", "#5a6470"),
}
_CHARACTER, _PADDING = 6.6, 12
"""Approximate pixels: the text is fitted to the computed width, whatever the font."""


def message(report: Report) -> str:
    """Return what the badge says: the verdict, and the profiles that it is about."""
    if not report.complete:
        return "the run has not ended"
    aside = len(report.of(Outcome.NOT_APPLICABLE))
    told = f"{report.verdict.conclusion.value}: {', '.join(report.implementation.claims)}"
    return f"{told} ({aside} not applicable)" if aside else told


def render_badge_json(report: Report) -> str:
    """Return the badge as the JSON that a badge service reads from an endpoint."""
    colour, _ = _colours(report)
    values = {"schemaVersion": 1, "label": LABEL, "message": message(report), "color": colour}
    return json.dumps(values, indent=1) + "\n"


def render_badge_svg(report: Report) -> str:
    """Return the badge as an image."""
    _, colour = _colours(report)
    text = message(report)
    widths = [round(len(one) * _CHARACTER) + _PADDING for one in (LABEL, text)]
    sizes = {"left": widths[0], "right": widths[1], "padding": _PADDING}
    return filled("badge.svg", label=LABEL, message=text, colour=colour, **sizes)


def _colours(report: Report) -> tuple[str, str]:
    return _COLOURS[report.verdict.conclusion if report.complete else Conclusion.HARNESS_ERROR]
