"""The verdict and each failure as text for a terminal. Pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from harness.contract import ConformanceFailure
from harness.report.redaction import redact
from harness.requirements import Level
from harness.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.contract import Target
    from harness.requirements import Catalogue
    from harness.tally import Record
    from harness.verdict import RequirementResult, Verdict

_WIDTH = 110
_ORDER = (Outcome.PASSED, Outcome.FAILED, Outcome.NOT_JUDGED, Outcome.BROKEN, Outcome.NOT_WRITTEN)


def failure(  # noqa: PLR0913 - a failure is told by this many things
    catalogue: Catalogue,
    requirement_ids: Sequence[str],
    *,
    scenario: str,
    step: str,
    problem: BaseException,
    timeline: Sequence[str],
    secrets: Collection[str],
) -> str:
    """Tell a failure: the requirement in its own words, what was expected, what happened, and the timeline."""
    lines: list[str] = []
    for one in requirement_ids:
        requirement = catalogue[one]
        head = f"{one} ({requirement.level.value}, {requirement.profile.value}): "
        lines += textwrap.wrap(head + requirement.words, _WIDTH, subsequent_indent="    ")
    lines.append(f"  scenario  {scenario}")
    lines.append(f"  step      {step}")
    if isinstance(problem, ConformanceFailure):
        # Redacted before it is wrapped: a secret that is broken over two lines would not be known for one.
        lines += _labelled("expected", redact(problem.expected, secrets))
        lines += _labelled("observed", redact(problem.observed, secrets))
    else:
        lines += _labelled("problem", redact(f"{type(problem).__name__}: {problem}", secrets))
    if timeline:
        lines.append("  timeline")
        lines += [f"    {line}" for line in timeline]
    return redact("\n".join(lines), secrets)


def summary(target: Target, catalogue: Catalogue, verdict: Verdict, records: Sequence[Record]) -> list[str]:
    """Tell a verdict: each claimed profile with its counts, what failed or was not judged, and the conclusion."""
    lines = [f"implementation  {target.name} {target.version}, which claims {', '.join(target.claims)}"]
    lines += [_profile_line(verdict, one.value) for one in verdict.profiles]
    lines += _failed(verdict)
    lines += _not_judged(verdict)
    again = [record.node for record in records if record.judged_again]
    lines += [f"judged again    {node} (a time bound was missed at first)" for node in again]
    covered = sum(1 for one in verdict.requirements if one.requirement.judged and _is_covered(one.outcome))
    judged = sum(1 for one in catalogue.values() if one.judged)
    runs = len(verdict.scenarios)
    passed = sum(1 for one in verdict.scenarios if one.outcome is Outcome.PASSED)
    unclaimed = verdict.counts()[Outcome.NOT_CLAIMED]
    lines.append(f"scenarios       {runs} run, {passed} passed")
    lines.append(f"requirements    {covered} of {judged} judged here, {unclaimed} of profiles not claimed")
    lines.append(f"verdict         {verdict.conclusion.value}: {verdict.why}")
    return lines


def unwritten(catalogue: Catalogue, written: Collection[str]) -> list[str]:
    """Name the requirements that no scenario carries yet."""
    missing = [one.id for one in catalogue.values() if one.judged and one.id not in written]
    if not missing:
        return []
    label = f"not yet written ({len(missing)})  "
    return textwrap.wrap(label + ", ".join(missing), _WIDTH, subsequent_indent=" " * 16)


def _profile_line(verdict: Verdict, profile: str) -> str:
    results = [one for one in verdict.requirements if one.requirement.profile.value == profile]
    results = [one for one in results if one.requirement.judged]
    counts = {outcome: sum(1 for one in results if one.outcome is outcome) for outcome in _ORDER}
    told = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items() if count)
    return f"{profile:<16}{len(results)} requirements: {told}"


def _failed(verdict: Verdict) -> list[str]:
    lines: list[str] = []
    for one in verdict.of(Outcome.FAILED):
        reason = one.reasons[0].splitlines()[0] if one.reasons else ""
        text = f"{'failed':<16}{_named(one)}: {reason}"
        lines += textwrap.wrap(text, _WIDTH, subsequent_indent=" " * 18)
    return lines


def _not_judged(verdict: Verdict) -> list[str]:
    """Give each reason once, and whole: it may be the last output of an implementation that never came up."""
    names_by_reason: dict[str, list[str]] = {}
    for one in verdict.of(Outcome.NOT_JUDGED):
        names_by_reason.setdefault(one.reasons[0] if one.reasons else "", []).append(_named(one))
    lines: list[str] = []
    for reason, names in names_by_reason.items():
        first, *rest = reason.splitlines() or [""]
        text = f"{'not judged':<16}{', '.join(names)}: {first}"
        lines += textwrap.wrap(text, _WIDTH, subsequent_indent=" " * 18)
        lines += [" " * 18 + line for line in rest]
    return lines


def _named(one: RequirementResult) -> str:
    level = one.requirement.level
    return one.requirement.id if level is Level.MUST else f"{one.requirement.id} ({level.value})"


def _is_covered(outcome: Outcome) -> bool:
    return outcome in {Outcome.PASSED, Outcome.FAILED}


def _labelled(label: str, text: str) -> list[str]:
    first, *rest = text.splitlines() or [""]
    wrapped = textwrap.wrap(first, _WIDTH, initial_indent=f"  {label:<10}", subsequent_indent=" " * 12)
    return wrapped + [" " * 12 + line for line in rest]
