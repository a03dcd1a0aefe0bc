"""A run as one page that stands alone: no script, nothing loaded, readable in light and dark. Pure.

The page forbids itself everything but its own style, by its hash.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from harness.catalogue.verdict import Outcome
from harness.report.diagram import draw
from harness.report.formats.templating import filled, inline_style

if TYPE_CHECKING:
    from harness.report.model import Report

_OPEN_AT_FIRST = 3
"""How many scenarios that did not pass are shown opened."""

_ROWS_TOLD = 2
"""Rows of one scenario's Examples whose findings are shown at the top; the others are linked."""


def render_html(report: Report) -> str:
    """Return the report as an HTML page."""
    style, policy = inline_style()
    wrong = [one for one in report.scenarios if one.ran and one.outcome is not Outcome.PASSED]
    return filled(
        "report.html",
        report=report,
        style=style,
        policy=policy,
        files=[(file, list(group)) for file, group in groupby(report.scenarios, key=lambda one: one.file)],
        counts=Counter(one.outcome for one in report.scenarios),
        wrong=[list(runs) for _, runs in groupby(wrong, key=lambda one: (one.file, one.name, one.outcome))],
        most=_ROWS_TOLD,
        opened={one.id for one in wrong[:_OPEN_AT_FIRST]},
        anchor=anchor,
        draw=draw,
        by_id={one.id: one for one in report.scenarios},
    )


def anchor(scenario_id: str) -> str:
    """Return the place of a scenario in the page."""
    return f"s-{hashlib.sha256(scenario_id.encode()).hexdigest()[:10]}"
