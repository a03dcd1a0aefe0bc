"""The verdict and each failure as text for a terminal. Pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level
from harness.catalogue.verdict import LEFT_OUT, Outcome
from harness.report.events import STEP
from harness.wording import few

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue
    from harness.evidence import Event
    from harness.report.model import ProfileReport, Report, RequirementReport

_WIDTH = 110
_MOST_RUNS, _MOST_LEFT_OUT = 8, 8
_ORDER = (
    Outcome.PASSED,
    Outcome.FAILED,
    Outcome.NOT_JUDGED,
    Outcome.BROKEN,
    Outcome.NOT_WRITTEN,
    Outcome.NOT_APPLICABLE,
)


def timeline(events: Sequence[Event]) -> tuple[str, ...]:
    """Return a line for each event, with seconds since the first."""
    return tuple(f"{event.at:7.3f} s  {_line(event)}" for event in events) or ("nothing happened",)


def _line(event: Event) -> str:
    if event.source == STEP:
        return f"── {event.words}"
    who = " → ".join(_lane(one) for one in (event.source, event.target) if one)
    times = f" ({event.count} times)" if event.count > 1 else ""
    return f"{who}: {event.words}{times}"


def _lane(name: str) -> str:
    return f"instance {name}" if name.isdecimal() else name


def failure(record: Record, catalogue: Catalogue) -> str:
    """Describe a failure: the requirement in its own words, what was expected, what happened, and the timeline."""
    lines: list[str] = []
    for one in record.requirement_ids:
        requirement = catalogue[one]
        head = f"{one} ({requirement.level.value}, {requirement.profile.value}): "
        lines += textwrap.wrap(head + requirement.words, _WIDTH, subsequent_indent="    ")
    evidence = record.evidence
    ended = (
        one.words
        for one in evidence.steps
        if one.outcome in {"failed", "not judged"} and one.seconds is not None
    )
    lines.append(f"  scenario  {record.name} (features/{record.file}:{record.line})")
    lines.append(f"  step      {next(ended, 'before the first step').splitlines()[0]}")
    if evidence.expected:
        lines += _labelled("expected", evidence.expected) + _labelled("observed", evidence.observed)
    else:
        lines += _labelled("problem", record.reason)
    if evidence.timeline:
        lines += ["  timeline", *(f"    {line}" for line in evidence.timeline)]
    return "\n".join(lines)


def summary(report: Report) -> list[str]:
    """Describe a verdict: each profile with its counts, what failed or was not judged, and the conclusion."""
    judged = report.implementation
    lines = [f"implementation  {judged.name} {judged.version}, which claims {', '.join(judged.claims)}"]
    lines += [_profile_line(one) for one in report.profiles if one.claimed]
    if unclaimed := [one.name.value for one in report.profiles if not one.claimed]:
        lines.append(f"not claimed     {', '.join(unclaimed)}")
    if report.run.selection:
        lines.append(f"selection       {report.run.selection}")
    lines += _failed(report)
    lines += _not_judged(report)
    lines += _not_applicable(report)
    for one in report.scenarios:
        if one.judged_again:
            told = f"judged again    {one.id} (at first {one.again_because})"
            lines += textwrap.wrap(told, _WIDTH, subsequent_indent=" " * 18)
    ran = [one for one in report.scenarios if one.ran]
    passed = sum(1 for one in ran if one.outcome is Outcome.PASSED)
    catalogue = [one for one in report.requirements if one.judged]
    covered = sum(1 for one in catalogue if one.outcome in {Outcome.PASSED, Outcome.FAILED})
    not_claimed = sum(1 for one in catalogue if one.outcome is Outcome.NOT_CLAIMED)
    aside = len(report.of(Outcome.NOT_APPLICABLE))
    lines.append(f"scenarios       {len(ran)} run, {passed} passed; {report.run.order}")
    lines.append(
        f"requirements    {covered} of {len(catalogue)} judged here, {not_claimed} of profiles not claimed"
        + (f", {aside} not applicable" if aside else "")
    )
    if report.sensitivity is not None:
        lines += textwrap.wrap(
            f"sensitivity     {report.sensitivity.words}", _WIDTH, subsequent_indent=" " * 18
        )
    lines.append(f"verdict         {report.verdict.conclusion.value}: {report.verdict.why}")
    return lines


def unwritten(report: Report) -> list[str]:
    """Name the requirements that no scenario carries yet."""
    missing = [one.id for one in report.requirements if one.judged and not one.scenarios]
    if not missing:
        return []
    label = f"not yet written ({len(missing)})  "
    return textwrap.wrap(label + ", ".join(missing), _WIDTH, subsequent_indent=" " * 16)


def _profile_line(profile: ProfileReport) -> str:
    levels = ((Level.MUST, profile.musts), (Level.SHOULD, profile.shoulds))
    told = [f"{level.value.upper()} {_counted(counts)}" for level, counts in levels if counts]
    return f"{profile.name.value:<16}{'; '.join(told) or 'no requirements'}"


def _counted(counts: Mapping[Outcome, int]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in _ORDER if outcome in counts)


def _failed(report: Report) -> list[str]:
    lines: list[str] = []
    for one in report.of(Outcome.FAILED):
        reason = one.reasons[0].splitlines()[0] if one.reasons else ""
        text = f"{'failed':<16}{_named(one)}: {reason}"
        lines += textwrap.wrap(text, _WIDTH, subsequent_indent=" " * 18)
        lines += textwrap.wrap(
            _which(report, one), _WIDTH, initial_indent=" " * 18, subsequent_indent=" " * 18
        )
    return lines


def _which(report: Report, one: RequirementReport) -> str:
    """Return which of a requirement's runs failed, where others passed: the difference is a lead."""
    runs = [each for each in report.scenarios if each.id in one.scenarios and each.ran]
    failed = [each for each in runs if each.outcome is Outcome.FAILED]
    if len(failed) == len(runs):
        return ""
    names = [f"{each.name} [{each.row}]" if each.row else each.name for each in failed]
    return f"{len(failed)} of its {len(runs)} runs failed: {few(names, _MOST_RUNS, '; ')}"


def _not_judged(report: Report) -> list[str]:
    """Return each reason once, and whole: it may be the last output of an implementation that never came up."""
    names_by_reason: dict[str, list[str]] = {}
    for one in report.of(Outcome.NOT_JUDGED):
        names_by_reason.setdefault(one.reasons[0] if one.reasons else "", []).append(_named(one))
    lines: list[str] = []
    for reason, names in names_by_reason.items():
        first, *rest = reason.splitlines() or [""]
        # A user who chose one scenario knows that there are others; a saved report has them all.
        shown = few(names, _MOST_LEFT_OUT if reason.endswith(LEFT_OUT) else len(names))
        text = f"{'not judged':<16}{shown}: {first}"
        lines += textwrap.wrap(text, _WIDTH, subsequent_indent=" " * 18)
        lines += [" " * 18 + line for line in rest]
    return lines


def _not_applicable(report: Report) -> list[str]:
    """Return each reason of the adapter once, with what it leaves aside."""
    names_by_reason: dict[str, list[str]] = {}
    for one in report.of(Outcome.NOT_APPLICABLE):
        names_by_reason.setdefault(one.reasons[0], []).append(_named(one))
    aside = {one.id for one in report.of(Outcome.NOT_APPLICABLE)}
    for scenario in report.scenarios:
        if scenario.outcome is Outcome.NOT_APPLICABLE and not aside & {*scenario.requirement_ids}:
            told = f"of {', '.join(scenario.requirement_ids)} the scenario {scenario.name!r}"
            names_by_reason.setdefault(scenario.reason, []).append(told)
    lines: list[str] = []
    for reason, names in names_by_reason.items():
        text = f"{'not applicable':<16}{', '.join(names)}: {reason}"
        lines += textwrap.wrap(text, _WIDTH, subsequent_indent=" " * 18)
    return lines


def _named(one: RequirementReport) -> str:
    return one.id if one.level is Level.MUST else f"{one.id} ({one.level.value})"


def _labelled(label: str, text: str) -> list[str]:
    first, *rest = text.splitlines() or [""]
    wrapped = textwrap.wrap(first, _WIDTH, initial_indent=f"  {label:<10}", subsequent_indent=" " * 12)
    return wrapped + [" " * 12 + line for line in rest]
