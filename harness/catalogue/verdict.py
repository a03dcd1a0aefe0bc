"""The one function that computes a verdict (contract, section 8). Every report and exit code comes from it. Pure.

Nothing counts as passed that was not judged and found right: a scenario that was left out, skipped, interrupted
or lost with its worker makes its requirement not judged.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level, Profile, Requirement
from harness.exit_codes import ExitCode
from harness.wording import counted_as, few

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue

LEFT_OUT = "was left out by the selection"
"""Why a scenario did not run that the user did not ask for."""
_MOST_NAMED = 8
_EVERY_ONE_APPLIES: Mapping[str, str] = MappingProxyType({})


class Outcome(StrEnum):
    """What became of a scenario, or of a requirement through its scenarios. Worst first."""

    BROKEN = "harness error"
    FAILED = "failed"
    NOT_JUDGED = "not judged"
    NOT_WRITTEN = "not yet written"
    NOT_CLAIMED = "not claimed"
    NOT_APPLICABLE = "not applicable"
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

    @property
    def exit_code(self) -> int:
        """The exit status of the run."""
        return self.conclusion.exit_code


@dataclass(frozen=True, slots=True)
class Run:
    """What was to be run and what came of it.

    `written` has, for each requirement id, the runs that would judge it if nothing were left out, by pytest's ids;
    `expected` has the runs that were selected, and `records` what came of those that ran. `trouble` says why the
    run broke off, and `crash` how the harness itself broke.
    """

    written: Mapping[str, Collection[str]]
    expected: Collection[str]
    records: Collection[Record]
    trouble: str = ""
    crash: str = ""


def judge(
    catalogue: Catalogue,
    claims: Collection[Profile],
    run: Run,
    not_applicable: Mapping[str, str] = _EVERY_ONE_APPLIES,
) -> Verdict:
    """Compute the verdict of a run on an implementation that claims these profiles.

    `not_applicable` has the requirements that an adapter declares to have no meaning there, each with its reason; or
    one scenario of a requirement, as "SEND-01: The type of a message is handed on".
    """
    came = {record.node: record for record in run.records}
    requirements = tuple(
        RequirementResult(one, Outcome.NOT_CLAIMED)
        if one.judged and one.profile not in claims
        else RequirementResult(one, Outcome.NOT_APPLICABLE, (not_applicable[one.id],))
        if one.id in not_applicable
        else _requirement(one, run, came)
        for one in catalogue.values()
    )
    scenarios = {
        one: why
        for one, why in not_applicable.items()
        if one not in catalogue and catalogue[one.partition(":")[0]].profile in claims
    }
    aside = [one for one in requirements if one.requirement.id in not_applicable]
    conclusion, why = _conclude(
        catalogue,
        claims,
        [one for one in requirements if one not in aside],
        run,
        _left_aside(aside, scenarios),
    )
    profiles = tuple(profile for profile in Profile if profile in claims)
    return Verdict(conclusion, why, profiles, requirements)


def _requirement(requirement: Requirement, run: Run, came: Mapping[str, Record]) -> RequirementResult:
    outcomes: dict[Outcome, list[str]] = {}
    for node in sorted(run.written.get(requirement.id, ())):
        if node in came:
            outcomes.setdefault(came[node].outcome, []).append(came[node].reason)
        else:
            why = "never ran" if node in run.expected else LEFT_OUT
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
    without: str,
) -> tuple[Conclusion, str]:
    times = Counter(record.node for record in run.records)
    doubled = [node for node, count in times.items() if count > 1]
    broken = [one.node for one in run.records if _is_broken(one, catalogue, claims)]
    musts = [one for one in requirements if one.requirement.level is Level.MUST]
    failed = [one for one in musts if one.outcome is Outcome.FAILED]
    # Whatever else a claimed MUST came to, it did not pass.
    missing = [
        one
        for one in musts
        if one.requirement.profile in claims and one.outcome not in {Outcome.PASSED, Outcome.FAILED}
    ]
    passed = [one for one in musts if one.outcome is Outcome.PASSED]
    every = "all {} MUSTs that apply passed" if without else "all {} MUSTs of the claimed profiles passed"
    findings: tuple[tuple[object, Conclusion, str], ...] = (
        (run.crash, Conclusion.HARNESS_ERROR, run.crash),
        (doubled, Conclusion.HARNESS_ERROR, f"a result came twice: {', '.join(doubled[:1])}"),
        (broken, Conclusion.HARNESS_ERROR, f"broke in the harness itself: {few(broken, _MOST_NAMED)}"),
        (failed, Conclusion.NON_CONFORMANT, f"failed: {_ids(failed)}{without}"),
        (run.trouble, Conclusion.INCOMPLETE, run.trouble),
        (not run.records, Conclusion.INCOMPLETE, "no scenario ran"),
        (
            missing,
            Conclusion.INCOMPLETE,
            f"{_nothing_failed(requirements)}, but {_not_judged(missing)}{without}",
        ),
        (not passed, Conclusion.INCOMPLETE, f"no MUST of a claimed profile was judged{without}"),
        (True, Conclusion.CONFORMANT, every.format(len(passed)) + without),
    )
    return next((conclusion, why) for holds, conclusion, why in findings if holds)


def _left_aside(results: Collection[RequirementResult], scenarios: Mapping[str, str]) -> str:
    """Say how many MUSTs, and scenarios of others, do not apply, and why; empty where all do."""
    aside = [
        one.reasons[0]
        for one in results
        if one.outcome is Outcome.NOT_APPLICABLE and one.requirement.level is Level.MUST
    ]
    if not aside and not scenarios:
        return ""
    count = f"{len(scenarios)} scenario{'s' if len(scenarios) > 1 else ''}"
    told = f"{len(aside) if aside else count} not applicable"
    if aside and scenarios:
        told += f" and {count} of others"
    reasons = dict.fromkeys([*aside, *scenarios.values()])
    return f"; {told} ({few([*reasons], _MOST_NAMED, '; ')})"


def _nothing_failed(requirements: Collection[RequirementResult]) -> str:
    shoulds = [one for one in requirements if one.requirement.judged and one.outcome is Outcome.FAILED]
    return f"no MUST failed (of the SHOULDs, {_ids(shoulds)} did)" if shoulds else "nothing failed"


def _not_judged(missing: Collection[RequirementResult]) -> str:
    """Name what was to be judged and was not; what the user did not ask for is only counted."""
    wanted = [one for one in missing if not any(reason.endswith(LEFT_OUT) for reason in one.reasons)]
    if wanted or len(missing) <= _MOST_NAMED:
        return f"not judged: {_ids(wanted or missing)}"
    return f"not judged: {counted_as(len(missing), 'MUST')}, left out by the selection"


def _is_broken(record: Record, catalogue: Catalogue, claims: Collection[Profile]) -> bool:
    """Return whether a record speaks against the harness: a scenario that proves the instrument must not fail."""
    carried = [catalogue[one] for one in record.requirement_ids]
    judges = any(one.judged and one.profile in claims for one in carried)
    proves_instrument = not judges and any(not one.judged for one in carried)
    return record.outcome is Outcome.BROKEN or (record.outcome is Outcome.FAILED and proves_instrument)


def _ids(results: Collection[RequirementResult]) -> str:
    return few([one.requirement.id for one in results], _MOST_NAMED)
