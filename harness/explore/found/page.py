"""What came of an exploration as one page that stands alone, with a diagram for each finding. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.catalogue.record import Record
from harness.catalogue.verdict import Outcome
from harness.evidence import Evidence
from harness.explore.found import telling
from harness.explore.found.telling import PHASES
from harness.report.diagram import draw
from harness.report.formats.templating import filled, inline_style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.catalogue.requirements import Requirement
    from harness.explore.exploring import Explored
    from harness.explore.found.finding import Finding


def render(explored: Explored, who: str, seed: int, workers: int, known: Mapping[str, Requirement]) -> str:
    """Return the page."""
    style, policy = inline_style()
    ordered = reversed(telling.chosen_first(explored.findings, known))
    return filled(
        "explored.html",
        style=style,
        policy=policy,
        who=who,
        convicted=telling.is_convicted(explored.findings, known),
        verdict=telling.verdict_line(explored, known),
        summary=list(telling.summary_lines(explored, workers, seed)),
        findings=[(one, known[one.requirement], _record(one, known[one.requirement])) for one in ordered],
        steps=telling.step_lines,
        draw=draw,
        phases=PHASES,
        covered=_marks(explored.told.covered),
    )


def _marks(covered: Iterable[tuple[str, str]]) -> list[tuple[str, list[bool]]]:
    pairs = set(covered)
    return [(name, [(name, one) in pairs for one in PHASES]) for name in sorted({name for name, _ in pairs})]


def _record(finding: Finding, requirement: Requirement) -> Record:
    """Return a finding as a scenario that failed, which is what a diagram is drawn of."""
    return Record(
        id=f"explored::{finding.story.name}",
        name=finding.then,
        row="",
        file="explored",
        line=0,
        rule="",
        level=requirement.level,
        requirement_ids=(finding.requirement,),
        outcome=Outcome.FAILED,
        reason=finding.observed,
        ran=True,
        evidence=Evidence(expected=finding.expected, observed=finding.observed, events=tuple(finding.events)),
    )
