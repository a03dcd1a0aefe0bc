"""What runs say about mutants, baselines and sound designs, and about the features. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level
from harness.catalogue.verdict import Conclusion, Outcome
from tests.mutants.machinery.trials import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue
    from harness.report.model import Report
    from tests.mutants.machinery.registry import Defect
    from tests.mutants.machinery.runner import Ended
    from tests.mutants.machinery.trials import Trial

CRASH = re.compile(r"implementation → (user|operator|instance \d+): 500\b")


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome of a trial."""

    trial: Trial
    caught_by: tuple[str, ...] = ()
    """The scenarios of its requirement that failed by their own assertion."""
    collateral: tuple[str, ...] = ()
    """The other requirements that failed."""
    complaints: tuple[str, ...] = ()
    """All that is not as it must be."""
    ran: frozenset[str] = frozenset()
    instrument: frozenset[str] = frozenset()
    """Scenarios that ran and judge nobody: they prove the harness."""

    @property
    def good(self) -> bool:
        """Whether there is nothing to complain about."""
        return not self.complaints


def rule(trial: Trial, ended: Ended, catalogue: Catalogue) -> Ruling:
    """Return the ruling on a trial whose run has ended."""
    if ended.report is None:
        told = "\n".join(ended.output.splitlines()[-20:])
        return Ruling(trial, complaints=(f"its run left no report, exit code {ended.exit_code}:\n{told}",))
    if trial.defect is None:
        return _acquitted(trial, ended.report)
    return _convicted(trial, trial.defect, ended.report, catalogue)


def _acquitted(trial: Trial, report: Report) -> Ruling:
    ran = [one for one in report.scenarios if one.ran]
    complaints = [
        f"{_outcome(one)}: {_finding(one) or one.reason}"
        for one in ran
        if one.outcome is not Outcome.PASSED
        and not (one.outcome is Outcome.NOT_JUDGED and set(one.requirement_ids) <= set(trial.unjudged))
    ]
    unjudged = [
        one.id
        for one in report.requirements
        if one.judged and one.profile in trial.profiles and one.outcome is not Outcome.PASSED
        if one.id not in trial.unjudged and (not trial.requirements or one.id in trial.requirements)
    ]
    if unjudged and not complaints:
        complaints.append(f"not judged: {', '.join(unjudged)}")
    # By a selection nothing can be called conformant.
    owed = Conclusion.INCOMPLETE if trial.requirements else Conclusion.CONFORMANT
    if report.verdict.conclusion is not owed and not complaints:
        complaints.append(f"{report.verdict.conclusion.value}: {report.verdict.why}")
    return Ruling(
        trial,
        complaints=tuple(complaints),
        ran=frozenset(one.id for one in ran),
        instrument=frozenset(one.id for one in ran if one.level is Level.SELF),
    )


def _convicted(trial: Trial, defect: Defect, report: Report, catalogue: Catalogue) -> Ruling:
    ran = [one for one in report.scenarios if one.ran]
    own = [one for one in ran if defect.requirement in one.requirement_ids]
    caught = [one for one in own if _by_assertion(one) and (defect.crashes or not _crashed(one))]
    complaints: list[str] = []
    if not caught:
        complaints.append(f"it survived: no scenario of {defect.requirement} failed by its own assertion")
    labels = {_label(one): one for one in own}
    named = {one for one in labels if any(_means(scenario, one) for scenario in defect.scenarios)}
    perhaps = {one for one in labels if any(_means(scenario, one) for scenario in defect.perhaps)}
    complaints += [
        f"{one}: fails by no assertion of its own" for one in sorted(named - set(map(_label, caught)))
    ]
    complaints += [
        f"{one}: fails, and is not named" for one in sorted(set(map(_label, caught)) - named - perhaps)
    ]
    complaints += [
        f"{scenario}: is no scenario of {defect.requirement}"
        for scenario in (*defect.scenarios, *defect.perhaps)
        if not any(_means(scenario, one) for one in labels)
    ]
    complaints += [
        f"{_outcome(one)}: {one.reason}" for one in ran if one.outcome not in {Outcome.PASSED, Outcome.FAILED}
    ]
    complaints += [
        f"{_outcome(one)}, because it crashed" for one in ran if _crashed(one) and not defect.crashes
    ]
    must = catalogue[defect.requirement].level is Level.MUST
    # A SHOULD that fails decides nothing, and what the selection left out makes the run incomplete.
    owed = Conclusion.NON_CONFORMANT if must else Conclusion.INCOMPLETE
    if caught and report.verdict.conclusion is not owed:
        complaints.append(f"the verdict is {report.verdict.conclusion.value}, and must be {owed.value}")
    failed = {one.id for one in report.requirements if one.outcome is Outcome.FAILED} - {defect.requirement}
    return Ruling(
        trial,
        caught_by=tuple(one.id for one in caught if _label(one) not in perhaps),
        collateral=tuple(one.id for one in report.requirements if one.id in failed),
        complaints=tuple(complaints),
        ran=frozenset(one.id for one in ran),
    )


def _by_assertion(one: Record) -> bool:
    return one.outcome is Outcome.FAILED and bool(one.evidence.expected and one.evidence.observed)


def _crashed(one: Record) -> bool:
    return any(CRASH.search(line) for line in (one.reason, *one.evidence.timeline))


def _label(one: Record) -> str:
    return f"{one.name} [{one.row}]" if one.row else one.name


def _means(scenario: str, label: str) -> bool:
    return label == scenario or label.startswith(f"{scenario} [")


def _outcome(one: Record) -> str:
    return f"{_label(one)} ({', '.join(one.requirement_ids)}): {one.outcome.value}"


def _finding(one: Record) -> str:
    told = one.evidence
    return f"expected {told.expected}; observed {told.observed}" if told.expected else ""


def requirements_without_mutant(rulings: Collection[Ruling], catalogue: Catalogue) -> list[str]:
    """Return the requirements that no mutant was caught breaking."""
    broken = {one.trial.defect.requirement for one in rulings if one.trial.defect and one.caught_by}
    return [one.id for one in catalogue.values() if one.judged and one.id not in broken]


def idle_scenarios(rulings: Collection[Ruling]) -> tuple[list[str], list[str]]:
    """Return what caught nothing: scenarios that judge implementations, and those that prove the harness."""
    baselines = [one for one in rulings if one.trial.kind is Kind.BASELINE]
    passed = {id_ for one in baselines for id_ in one.ran}
    instrument = {id_ for one in baselines for id_ in one.instrument}
    idle = passed - {id_ for one in rulings for id_ in one.caught_by}
    return sorted(idle - instrument), sorted(idle & instrument)


def known_defects(rulings: Sequence[Ruling]) -> list[Mapping[str, object]]:
    """Return each mutant as JSON values: what is wrong with it, and which scenarios catch it."""
    return [
        {
            "name": defect.name,
            "requirement": defect.requirement,
            "mistake": " ".join(defect.mistake.split()),
            "scenarios": sorted(one.caught_by),
        }
        for one in sorted(rulings, key=lambda one: one.trial.name)
        if (defect := one.trial.defect) is not None
    ]
