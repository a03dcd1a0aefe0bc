"""The one function that computes a verdict (contract, section 8). Pure: every report and exit code asks it.

Nothing counts as passed that was not judged and found right: a scenario that was left out, skipped, interrupted
or lost with its worker makes its requirement not judged.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level, Profile, Requirement
from harness.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.catalogue.requirements import Catalogue

LEFT_OUT = "was left out by the selection"
"""Why a scenario did not run that the user did not ask for."""


class Outcome(StrEnum):
    """What became of a scenario, or of a requirement through its scenarios. Worst first."""

    BROKEN = "harness error"
    FAILED = "failed"
    NOT_JUDGED = "not judged"
    NOT_WRITTEN = "not yet written"
    NOT_CLAIMED = "not claimed"
    PASSED = "passed"


class Conclusion(StrEnum):
    """The four verdicts."""

    CONFORMANT = "conformant"
    NON_CONFORMANT = "non-conformant"
    INCOMPLETE = "incomplete"
    HARNESS_ERROR = "harness error"

    @property
    def exit_code(self) -> int:
        """The exit code that stands for it."""
        return ExitCode[self.name]


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What one run of one scenario (one row of its Examples) came to."""

    name: str
    requirement_ids: tuple[str, ...]
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """What a run says of one requirement."""

    requirement: Requirement
    outcome: Outcome
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The conclusion of a run, and what it rests on."""

    conclusion: Conclusion
    why: str
    profiles: tuple[Profile, ...]
    requirements: tuple[RequirementResult, ...]
    scenarios: tuple[ScenarioResult, ...]

    @property
    def exit_code(self) -> int:
        """The exit status of the run."""
        return self.conclusion.exit_code

    def of(self, *outcomes: Outcome, level: Level | None = None) -> tuple[RequirementResult, ...]:
        """Give the requirements with one of these outcomes."""
        return tuple(
            one
            for one in self.requirements
            if one.outcome in outcomes and (level is None or one.requirement.level is level)
        )

    def counts(self, profile: Profile | None = None) -> Counter[Outcome]:
        """Count requirements by outcome, in all or in one profile; self ones aside."""
        return Counter(
            one.outcome
            for one in self.requirements
            if one.requirement.judged and (profile is None or one.requirement.profile is profile)
        )


@dataclass(frozen=True, slots=True)
class Run:
    """What was to be run and what came of it.

    `written` has, for each requirement id, the runs of the scenarios that carry it, were all selected;
    `expected` the names of the runs that were selected; `results` what came of those that ran; `trouble` says
    why the run broke off, and `crash` how the harness itself broke, if they did.
    """

    written: Mapping[str, Collection[str]]
    expected: Collection[str]
    results: Collection[ScenarioResult]
    trouble: str = ""
    crash: str = ""


def judge(catalogue: Catalogue, claims: Collection[Profile], run: Run) -> Verdict:
    """Compute the verdict of a run on an implementation that claims these profiles."""
    came = {result.name: result for result in run.results}
    requirements = tuple(
        RequirementResult(one, Outcome.NOT_CLAIMED)
        if one.judged and one.profile not in claims
        else _requirement(one, run, came)
        for one in catalogue.values()
    )
    conclusion, why = _conclude(catalogue, claims, requirements, run)
    profiles = tuple(profile for profile in Profile if profile in claims)
    return Verdict(conclusion, why, profiles, requirements, tuple(run.results))


def _requirement(requirement: Requirement, run: Run, came: Mapping[str, ScenarioResult]) -> RequirementResult:
    outcomes: dict[Outcome, list[str]] = {}
    for name in sorted(run.written.get(requirement.id, ())):
        if name in came:
            outcomes.setdefault(came[name].outcome, []).append(came[name].reason)
        else:
            why = "never ran" if name in run.expected else LEFT_OUT
            outcomes.setdefault(Outcome.NOT_JUDGED, []).append(f"its scenario {why}")
    if not outcomes:
        return RequirementResult(requirement, Outcome.NOT_WRITTEN)
    worst = next(outcome for outcome in Outcome if outcome in outcomes)
    reasons = () if worst is Outcome.PASSED else tuple(dict.fromkeys(filter(None, outcomes[worst])))
    return RequirementResult(requirement, worst, reasons)


def _conclude(
    catalogue: Catalogue,
    claims: Collection[Profile],
    requirements: Collection[RequirementResult],
    run: Run,
) -> tuple[Conclusion, str]:
    times = Counter(result.name for result in run.results)
    doubled = [name for name, count in times.items() if count > 1]
    broken = [one.name for one in run.results if _is_broken(one, catalogue, claims)]
    musts = [one for one in requirements if one.requirement.level is Level.MUST]
    failed = [one for one in musts if one.outcome is Outcome.FAILED]
    # Whatever else a claimed MUST came to, it did not pass.
    missing = [
        one
        for one in musts
        if one.requirement.profile in claims and one.outcome not in {Outcome.PASSED, Outcome.FAILED}
    ]
    passed = [one for one in musts if one.outcome is Outcome.PASSED]
    findings: tuple[tuple[object, Conclusion, str], ...] = (
        (run.crash, Conclusion.HARNESS_ERROR, run.crash),
        (doubled, Conclusion.HARNESS_ERROR, f"a result came twice: {', '.join(doubled[:1])}"),
        (broken, Conclusion.HARNESS_ERROR, f"broke in the harness itself: {_few(broken)}"),
        (failed, Conclusion.NON_CONFORMANT, f"failed: {_ids(failed)}"),
        (run.trouble, Conclusion.INCOMPLETE, run.trouble),
        (not run.results, Conclusion.INCOMPLETE, "no scenario ran"),
        (missing, Conclusion.INCOMPLETE, f"nothing failed, but not judged: {_ids(missing)}"),
        (not passed, Conclusion.INCOMPLETE, "no MUST of a claimed profile was judged"),
        (True, Conclusion.CONFORMANT, f"all {len(passed)} MUSTs of the claimed profiles passed"),
    )
    return next((conclusion, why) for holds, conclusion, why in findings if holds)


def _is_broken(result: ScenarioResult, catalogue: Catalogue, claims: Collection[Profile]) -> bool:
    """Say whether a result speaks against the harness: a scenario that proves the instrument must not fail."""
    carried = [catalogue[one] for one in result.requirement_ids]
    judges = any(one.judged and one.profile in claims for one in carried)
    proves_instrument = not judges and any(not one.judged for one in carried)
    return result.outcome is Outcome.BROKEN or (result.outcome is Outcome.FAILED and proves_instrument)


def _ids(results: Collection[RequirementResult]) -> str:
    return _few([one.requirement.id for one in results])


def _few(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
