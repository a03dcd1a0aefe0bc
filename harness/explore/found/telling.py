"""What came of an exploration, as lines for a terminal and as JSON. Pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Level
from harness.explore.found.finding import Steadiness
from harness.wording import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.catalogue.requirements import Requirement
    from harness.explore.exploring import Explored
    from harness.explore.found.finding import Finding

PHASES = ("send", "webhook", "check")
_WIDTH = 110
_MOST_UNJUDGED = 3


def is_convicted(findings: Iterable[Finding], known: Mapping[str, Requirement]) -> bool:
    """Say whether a MUST was violated, surely."""
    return any(one.convicts and known[one.requirement].level is Level.MUST for one in findings)


def covered_lines(covered: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Return a table of what was disturbed by what: a row for each kind of action, a column for each phase."""
    pairs = set(covered)
    names = sorted({name for name, _ in pairs})
    if not names:
        return
    width = max(map(len, names))
    yield f"{'':{width}}  {'  '.join(PHASES)}"
    for name in names:
        marks = (f"{'x' if (name, phase) in pairs else '.':^{len(phase)}}" for phase in PHASES)
        yield f"{name:{width}}  {'  '.join(marks)}"


def finding_lines(finding: Finding, requirement: Requirement, where: str = "") -> Iterator[str]:
    """Return what is known of a finding."""
    replays = f"{finding.rate[0]} of {finding.rate[1]} replays"
    sure = f"{finding.steadiness}: {replays}, load {finding.load:.1f}"
    yield f"── {finding.requirement} ({requirement.level.upper()}), {sure} ──"
    yield from textwrap.wrap(
        requirement.words.splitlines()[0], _WIDTH, initial_indent="  ", subsequent_indent="  "
    )
    yield ""
    yield from (f"    {line}" for line in step_lines(finding))
    yield ""
    yield from _wrapped("expected", finding.expected)
    yield from _wrapped("observed", finding.observed)
    if finding.steadiness is Steadiness.NEEDS_HISTORY:
        yield from _wrapped(
            "history", f"only behind {len(finding.earlier)} stories before it, which the JSON has"
        )
    if finding.needed:
        yield from _wrapped("needed", finding.sentence)
    if where:
        yield from _wrapped("saved", where)
    yield ""


def step_lines(finding: Finding) -> Iterator[str]:
    """Return the least story as the lines of a scenario."""
    for keyword, texts in (
        ("Given", [one.given for one in finding.story.given]),
        ("When", [one.step for one in finding.story.when]),
        ("Then", [finding.then]),
    ):
        yield from (f"{'And' if place else keyword} {text}" for place, text in enumerate(texts))


def _wrapped(name: str, words: str) -> Iterator[str]:
    yield from textwrap.wrap(
        f"{name:<10}{cut(words, 1200)}", _WIDTH, initial_indent="  ", subsequent_indent=" " * 12
    )


def summary_lines(explored: Explored, workers: int, seed: int) -> Iterator[str]:
    """Return how much was tried, so that nothing found has a weight."""
    told = explored.told
    rate = told.stories / explored.seconds if explored.seconds else 0.0
    each = told.actions / told.stories if told.stories else 0.0
    yield (
        f"tried           {told.stories:,} stories with {told.actions:,} actions ({each:.1f} each), "
        f"{told.kept:,} promises kept; {rate:.1f} stories a second"
    )
    yield f"again           --seed {seed} -n {workers}"
    cpu = 1000 * told.cpu / told.stories if told.stories else 0.0
    yield f"machine         {cpu:.1f} ms of CPU here for a story, load {explored.load:.1f}"
    if told.unjudged:
        most = sorted(told.unjudged.items(), key=lambda one: -one[1])[:_MOST_UNJUDGED]
        words = "; ".join(f"{times} times: {why}" for why, times in most)
        yield f"not judged      {sum(told.unjudged.values())} stories; {cut(words, 300)}"


def verdict_line(explored: Explored, known: Mapping[str, Requirement]) -> str:
    """Return the last line: what was found."""
    sure = [one for one in explored.findings if one.convicts]
    musts = sorted({one.requirement for one in sure if known[one.requirement].level is Level.MUST})
    shoulds = sorted({one.requirement for one in sure} - {*musts})
    unsure = len(explored.findings) - len(sure)
    parts = []
    if musts:
        parts.append(f"violated: {', '.join(musts)}")
    if shoulds:
        parts.append(f"{'violated ' if not musts else ''}SHOULD: {', '.join(shoulds)}")
    if unsure:
        parts.append(f"{unsure} unstable, which count for nothing")
    if explored.not_looked_into:
        parts.append(f"{len(explored.not_looked_into)} more not looked into (--findings)")
    return f"found           {'; '.join(parts) or 'nothing'}"


def to_json(explored: Explored, target: str, version: str, seed: int, workers: int) -> dict[str, object]:
    """Return all of it as plain JSON values."""
    told = explored.told
    return {
        "format": 1,
        "target": target,
        "version": version,
        "seed": seed,
        "workers": workers,
        "seconds": round(explored.seconds, 1),
        "stories": told.stories,
        "actions": told.actions,
        "promises_kept": told.kept,
        "cpu_seconds": round(told.cpu, 2),
        "load": round(explored.load, 2),
        "not_judged": dict(told.unjudged),
        "covered": sorted(map(list, told.covered)),
        "findings": [one.to_json() for one in explored.findings],
        "not_looked_into": [
            {"requirement": one.promise.requirement, "then": one.promise.then, "story": one.story.to_json()}
            for one in explored.not_looked_into
        ],
    }


def chosen_first(findings: Sequence[Finding], known: Mapping[str, Requirement]) -> list[Finding]:
    """Return findings in the order in which they are told: the surest MUST last, next to the verdict."""

    def rank(one: Finding) -> tuple[bool, bool]:
        return one.convicts, known[one.requirement].level is Level.MUST

    return sorted(findings, key=rank)
