"""A run as one page that stands alone: no script, nothing loaded, readable in light and dark. Pure.

The page forbids itself everything but its own style, by its hash.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level
from harness.catalogue.verdict import LEFT_OUT, Outcome
from harness.report.causes.abstraction import abstracted
from harness.report.causes.telling import heading
from harness.report.diagram import draw
from harness.report.formats.templating import filled, inline_style
from harness.wording import counted_as

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.catalogue.record import Record
    from harness.report.model import Report, RequirementReport

_OPEN_AT_FIRST = 3
"""How many causes, and how many other scenarios that did not pass, are shown opened."""


def render_html(report: Report) -> str:
    """Return the report as an HTML page."""
    style, policy = inline_style()
    in_causes = {id_ for one in report.causes for id_ in one.scenarios}
    wrong = [one for one in report.scenarios if one.ran and one.outcome is not Outcome.PASSED]
    others = sorted((one for one in wrong if one.id not in in_causes), key=_gravity)
    return filled(
        "report.html",
        report=report,
        style=style,
        policy=policy,
        files=[(file, list(group)) for file, group in groupby(report.scenarios, key=lambda one: one.file)],
        counts=Counter(one.outcome for one in report.scenarios),
        wrong=_alike(others),
        most_open=_OPEN_AT_FIRST,
        heading=heading,
        counted_as=counted_as,
        not_reached=_not_reached,
        opened={one.id for one in others[:_OPEN_AT_FIRST]},
        anchor=anchor,
        draw=draw,
        by_id={one.id: one for one in report.scenarios},
    )


def _gravity(one: Record) -> tuple[int, int]:
    return list(Level).index(one.level), list(Outcome).index(one.outcome)


def _alike(records: Sequence[Record]) -> list[list[Record]]:
    """Put those in one box that are rows of one scenario, or of which the same is said."""
    boxes: dict[tuple[str, ...], list[Record]] = {}
    for one in records:
        said = abstracted(one.reason)
        boxes.setdefault((one.outcome.value, one.level.value, said), []).append(one)
    return list(boxes.values())


def _not_reached(one: RequirementReport) -> bool:
    """Return whether nothing is wrong with it: its scenarios were left out."""
    return one.outcome is Outcome.NOT_JUDGED and all(reason.endswith(LEFT_OUT) for reason in one.reasons)


def anchor(scenario_id: str) -> str:
    """Return the place of a scenario in the page."""
    return f"s-{hashlib.sha256(scenario_id.encode()).hexdigest()[:10]}"
