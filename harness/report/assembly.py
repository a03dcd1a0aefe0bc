"""Makes the model of a run from its verdict and its records. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level, Profile
from harness.catalogue.verdict import Outcome
from harness.report.model import (
    ImplementationReport,
    ProfileReport,
    Report,
    RequirementReport,
    RunReport,
    ScenarioReport,
    VerdictReport,
)
from harness.report.sensitivity import sensitivity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.catalogue.features import WrittenScenario
    from harness.catalogue.requirements import Catalogue
    from harness.catalogue.tally import Record, Unrun
    from harness.catalogue.verdict import RequirementResult, Verdict
    from harness.contract import Target
    from harness.report.sensitivity import KnownDefect


def assemble(  # noqa: PLR0913 - a report is made of this many things
    target: Target,
    catalogue: Catalogue,
    verdict: Verdict,
    *,
    suite: Sequence[WrittenScenario],
    records: Sequence[Record],
    unrun: Sequence[Unrun],
    run: RunReport,
    defects: Sequence[KnownDefect] = (),
    complete: bool = True,
) -> Report:
    """Make the model: every requirement of the catalogue, and every scenario that ran or is written."""
    written = {(one.file, one.name): one for one in suite}
    scenarios = [_ran(record, written.get((record.file, record.name)), catalogue) for record in records]
    scenarios += [_unrun(one, catalogue, verdict.profiles) for one in unrun]
    scenarios = _told_apart(scenarios)
    scenarios.sort(key=lambda one: (one.file, one.line, one.row))
    carriers: dict[str, list[str]] = {}
    for scenario in scenarios:
        for id_ in scenario.requirement_ids:
            carriers.setdefault(id_, []).append(scenario.id)
    return Report(
        format=1,
        complete=complete,
        verdict=VerdictReport(verdict.conclusion, verdict.exit_code, verdict.why),
        implementation=ImplementationReport(target.name, target.version, verdict.profiles),
        run=run,
        profiles=tuple(_profile(verdict, profile) for profile in Profile),
        requirements=tuple(_requirement(one, carriers) for one in verdict.requirements),
        scenarios=tuple(scenarios),
        sensitivity=sensitivity(defects, scenarios, catalogue, verdict.profiles) if defects else None,
    )


def scenario_id(file: str, name: str, row: str) -> str:
    """Give the name that a run of a scenario has in every report, whatever folder pytest ran in."""
    return f"{file}::{name}" + (f"[{row}]" if row else "")


def history_file(id_: str) -> str:
    """Give the file, relative to the report's folder, that the history of a scenario is saved in."""
    slug = re.sub(r"[^a-z0-9]+", "-", id_.partition("::")[2].lower()).strip("-")[:60]
    digest = hashlib.sha256(id_.encode()).hexdigest()[:8]
    return f"history/{slug}-{digest}.jsonl"


def _ran(record: Record, written: WrittenScenario | None, catalogue: Catalogue) -> ScenarioReport:
    id_ = scenario_id(record.file, record.name, record.row)
    return ScenarioReport(
        id=id_,
        name=record.name,
        row=record.row,
        file=record.file,
        line=written.line if written else 0,
        rule=written.rule if written else "",
        level=_level(record.requirement_ids, catalogue),
        requirement_ids=record.requirement_ids,
        outcome=Outcome(record.outcome),
        reason=record.reason,
        ran=True,
        judged_again=record.judged_again,
        history=history_file(id_) if record.history else "",
        evidence=record.evidence,
    )


def _told_apart(scenarios: Sequence[ScenarioReport]) -> list[ScenarioReport]:
    """Give each an id of its own, those of one file that share a name too: of them, all but one never ran."""
    taken: set[str] = set()
    told: list[ScenarioReport] = []
    for one in scenarios:
        name = f"{one.id} (line {one.line})" if one.id in taken and not one.ran else one.id
        taken.add(name)
        told.append(replace(one, id=name))
    return told


def _unrun(one: Unrun, catalogue: Catalogue, claims: Collection[Profile]) -> ScenarioReport:
    written = one.scenario
    judged = [catalogue[id_] for id_ in written.requirement_ids if catalogue[id_].judged]
    unclaimed = bool(judged) and not any(each.profile in claims for each in judged)
    return ScenarioReport(
        id=scenario_id(written.file, written.name, one.row),
        name=written.name,
        row=one.row,
        file=written.file,
        line=written.line,
        rule=written.rule,
        level=_level(written.requirement_ids, catalogue),
        requirement_ids=written.requirement_ids,
        outcome=Outcome.NOT_CLAIMED if unclaimed else Outcome.NOT_JUDGED,
        reason="its profile is not claimed" if unclaimed else one.reason,
        ran=False,
    )


def _level(ids: Collection[str], catalogue: Catalogue) -> Level:
    levels = {catalogue[id_].level for id_ in ids}
    return next(level for level in Level if level in levels)


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
    counts = {
        level: Counter(
            one.outcome
            for one in verdict.requirements
            if one.requirement.profile is profile and one.requirement.level is level
        )
        for level in (Level.MUST, Level.SHOULD)
    }
    shown = {
        level: {outcome: found[outcome] for outcome in Outcome if found[outcome]}
        for level, found in counts.items()
    }
    return ProfileReport(profile, profile in verdict.profiles, shown[Level.MUST], shown[Level.SHOULD])
