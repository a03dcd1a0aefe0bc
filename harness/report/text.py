"""The verdict and each failure as text for a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level
from harness.catalogue.verdict import LEFT_OUT, Outcome
from harness.report.causes.telling import MORE, cause_lines
from harness.report.events import STEP
from harness.wording import cut, few

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue
    from harness.evidence import Event
    from harness.report.model import ProfileReport, Report, RequirementReport

_WIDTH = 110
_MOST_RUNS, _MOST_LEFT_OUT = 8, 8
_MOST_REASONS, _LONGEST_REASON, _MOST_REST, _MOST_AGAIN = 3, 300, 20, 2
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


def summary(report: Report, *, every_failure: bool = False, notes: Sequence[str] = ()) -> list[str]:
    """Describe a verdict: each profile with its counts, the likely causes, what was not judged, and the conclusion.

    With `every_failure`, each requirement that failed is named with its reason. Of a narrowed run, only what it was
    narrowed to is told. `notes` are told before the verdict, which comes last.
    """
    judged, narrowed = report.implementation, bool(report.run.selection)
    lines = [f"implementation  {judged.name} {judged.version}, which claims {', '.join(judged.claims)}"]
    if narrowed:
        lines.append(f"selection       {report.run.selection}")
        lines += _narrowed(report)
    else:
        lines += [_profile_line(one) for one in report.profiles if one.claimed]
        if unclaimed := [one.name.value for one in report.profiles if not one.claimed]:
            lines.append(f"not claimed     {', '.join(unclaimed)}")
    lines += cause_lines(report)
    lines += _failed(report) if every_failure else _failed_without_cause(report)
    lines += _not_judged(report, whole=every_failure)
    lines += _not_applicable(report)
    lines += _judged_again(report, whole=every_failure)
    ran = [one for one in report.scenarios if one.ran]
    passed = sum(1 for one in ran if one.outcome is Outcome.PASSED)
    lines.append(f"scenarios       {len(ran)} run, {passed} passed; {report.run.order}")
    if not narrowed:
        lines += _extent(report)
    return [*lines, *notes, *_verdict(report)]


def _verdict(report: Report) -> list[str]:
    """Return the conclusion, and the gate's, by which the run ends."""
    verdict = report.verdict
    lines = [f"verdict         {verdict.conclusion.value}: {verdict.why}"]
    if (gate := verdict.gate) is not None:
        profiles = ", ".join(one.value for one in gate.profiles)
        lines.append(
            f"gate            {profiles}: {gate.conclusion.value}, and so exit code {verdict.exit_code}: {gate.why}"
        )
    return lines


def _narrowed(report: Report) -> list[str]:
    """Count, in each profile, the requirements of which a scenario ran."""
    ran = {id_ for one in report.scenarios if one.ran for id_ in one.requirement_ids}
    lines = []
    for profile in report.profiles:
        mine = [
            one for one in report.requirements if one.profile is profile.name and one.id in ran and one.judged
        ]
        if profile.claimed and mine:
            counts = {
                level: Counter(one.outcome for one in mine if one.level is level)
                for level in (Level.MUST, Level.SHOULD)
            }
            told = [f"{level.value.upper()} {_counted(found)}" for level, found in counts.items() if found]
            lines.append(f"{profile.name.value:<16}{'; '.join(told)}")
    return lines


def _extent(report: Report) -> list[str]:
    catalogue = [one for one in report.requirements if one.judged]
    covered = sum(1 for one in catalogue if one.outcome in {Outcome.PASSED, Outcome.FAILED})
    not_claimed = sum(1 for one in catalogue if one.outcome is Outcome.NOT_CLAIMED)
    aside = len(report.of(Outcome.NOT_APPLICABLE))
    lines = [
        f"requirements    {covered} of {len(catalogue)} judged here, {not_claimed} of profiles not claimed"
        + (f", {aside} not applicable" if aside else "")
    ]
    if report.causes:
        # Where something failed, what was not looked at is no news: the report has it.
        return lines
    if report.sensitivity is not None:
        lines += _wrapped(f"sensitivity     {report.sensitivity.words}")
    if unjudged := [one for one in report.sections if one.judged < one.sentences]:
        told = ", ".join(
            f"{one.sentences - one.judged} of {one.sentences} in {one.title}" for one in unjudged
        )
        lines += _wrapped(f"contract        sentences that nothing judged: {told}")
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
    return [line for one in report.of(Outcome.FAILED) for line in _failure_of(report, one)]


def _failed_without_cause(report: Report) -> list[str]:
    """Return what no cause tells: a scenario that proves the instrument, and failed."""
    told = {id_ for one in report.causes for id_ in one.requirements}
    return [
        line for one in report.of(Outcome.FAILED) if one.id not in told for line in _failure_of(report, one)
    ]


def _failure_of(report: Report, one: RequirementReport) -> list[str]:
    reason = one.reasons[0].splitlines()[0] if one.reasons else ""
    lines = _wrapped(f"{'failed':<16}{_named(one)}: {reason}")
    lines += textwrap.wrap(_which(report, one), _WIDTH, initial_indent=" " * 18, subsequent_indent=" " * 18)
    return lines


def _judged_again(report: Report, *, whole: bool) -> list[str]:
    again = [one for one in report.scenarios if one.judged_again]
    shown = again if whole else again[:_MOST_AGAIN]
    lines = [
        line for one in shown for line in _wrapped(f"judged again    {one.id} (at first {one.again_because})")
    ]
    if len(again) > len(shown):
        lines.append(f"judged again    and {len(again) - len(shown)} more: {MORE}")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=" " * 18)


def _which(report: Report, one: RequirementReport) -> str:
    """Return which of a requirement's runs failed, where others passed: the difference is a lead."""
    runs = [each for each in report.scenarios if each.id in one.scenarios and each.ran]
    failed = [each for each in runs if each.outcome is Outcome.FAILED]
    if len(failed) == len(runs):
        return ""
    names = [f"{each.name} [{each.row}]" if each.row else each.name for each in failed]
    return f"{len(failed)} of its {len(runs)} runs failed: {few(names, _MOST_RUNS, '; ')}"


def _not_judged(report: Report, *, whole: bool) -> list[str]:
    """Return each reason once: it may be the last output of an implementation that never came up.

    Who chose one scenario knows that there are others: in a narrowed run what was left out is not told.
    """
    names_by_reason: dict[str, list[str]] = {}
    for one in report.of(Outcome.NOT_JUDGED):
        reason = one.reasons[0] if one.reasons else ""
        if not (report.run.selection and reason.endswith(LEFT_OUT)):
            names_by_reason.setdefault(reason, []).append(_named(one))
    shown = list(names_by_reason.items())
    lines: list[str] = []
    for reason, names in shown if whole else shown[:_MOST_REASONS]:
        first, *rest = reason.splitlines() or [""]
        # A saved report has them all.
        named = few(names, _MOST_LEFT_OUT if reason.endswith(LEFT_OUT) else len(names))
        lines += _wrapped(f"{'not judged':<16}{named}: {first if whole else cut(first, _LONGEST_REASON)}")
        lines += [" " * 18 + line for line in (rest if whole else rest[:_MOST_REST])]
    if not whole and len(shown) > _MOST_REASONS:
        others = [name for _, names in shown[_MOST_REASONS:] for name in names]
        lines += _wrapped(f"{'not judged':<16}{few(others, _MOST_LEFT_OUT)}, for other reasons: {MORE}")
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
