"""Makes the model of a run from its verdict and its records. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level, Profile
from harness.catalogue.verdict import Outcome
from harness.report.causes import causes_of
from harness.report.model import (
    GateReport,
    ImplementationReport,
    ProfileReport,
    Report,
    RequirementReport,
    RunReport,
    VerdictReport,
)
from harness.report.sections import judged_sections
from harness.report.sensitivity import sensitivity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue
    from harness.catalogue.verdict import RequirementResult, Verdict
    from harness.contract import Target
    from harness.report.sections import Section
    from harness.report.sensitivity import KnownDefect


def assemble(  # noqa: PLR0913 - a report is made of this many things
    target: Target,
    catalogue: Catalogue,
    verdict: Verdict,
    *,
    records: Sequence[Record],
    run: RunReport,
    defects: Sequence[KnownDefect] = (),
    complete: bool = True,
    gate: Verdict | None = None,
    sections: Sequence[Section] = (),
) -> Report:
    """Make the model: every requirement of the catalogue, and every scenario that ran or is written."""
    scenarios = sorted(_published(records), key=lambda one: (one.file, one.line, one.row))
    carriers: dict[str, list[str]] = {}
    for scenario in scenarios:
        for id_ in scenario.requirement_ids:
            carriers.setdefault(id_, []).append(scenario.id)
    requirements = tuple(_requirement(one, carriers) for one in verdict.requirements)
    return Report(
        format=1,
        complete=complete,
        verdict=_verdict(verdict, gate),
        implementation=ImplementationReport(target.name, target.version, verdict.profiles),
        run=run,
        profiles=tuple(_profile(verdict, profile) for profile in Profile),
        requirements=requirements,
        scenarios=tuple(scenarios),
        sensitivity=sensitivity(defects, scenarios, catalogue, verdict.profiles) if defects else None,
        sections=judged_sections(sections, requirements)
        if set(verdict.profiles) - {Profile.INSTANCE}
        else (),
        causes=causes_of(scenarios, requirements),
    )


def _verdict(verdict: Verdict, gate: Verdict | None) -> VerdictReport:
    if gate is None:
        return VerdictReport(verdict.conclusion, verdict.exit_code, verdict.why)
    told = GateReport(gate.profiles, gate.conclusion, gate.why)
    return VerdictReport(verdict.conclusion, gate.exit_code, verdict.why, told)


def _published(records: Sequence[Record]) -> Iterator[Record]:
    """Leave out what no report has, and distinguish records of one file and name: all but one never ran."""
    taken: set[str] = set()
    for one in records:
        id_ = f"{one.id} (line {one.line})" if one.id in taken and not one.ran else one.id
        taken.add(id_)
        yield replace(one, id=id_, node="", example="", time_bound=False, doubt="", lines="")


def _requirement(result: RequirementResult, carriers: Mapping[str, Sequence[str]]) -> RequirementReport:
    one = result.requirement
    return RequirementReport(
        id=one.id,
        level=one.level,
        profile=one.profile,
        words=one.words,
        source=one.source,
        outcome=result.outcome,
        reasons=result.reasons,
        scenarios=tuple(carriers.get(one.id, ())),
        test=one.test,
    )


def _profile(verdict: Verdict, profile: Profile) -> ProfileReport:
    def counted(level: Level) -> dict[Outcome, int]:
        found = Counter(
            one.outcome
            for one in verdict.requirements
            if one.requirement.profile is profile and one.requirement.level is level
        )
        return {outcome: found[outcome] for outcome in Outcome if found[outcome]}

    return ProfileReport(profile, profile in verdict.profiles, counted(Level.MUST), counted(Level.SHOULD))
