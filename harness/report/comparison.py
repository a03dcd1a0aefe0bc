"""Several implementations side by side: requirements against verdicts, as text, Markdown and HTML. Pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from harness.catalogue.verdict import Outcome
from harness.report.formats.markdown import plain
from harness.report.formats.templating import SIGNS, filled, inline_style
from harness.wording import few

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.model import Report, RequirementReport

ABSENT = "-"
"""The sign of a requirement that the catalogue of that report does not have."""

_WIDTH = 110
_JUDGED = {Outcome.PASSED, Outcome.FAILED}
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement in every report; `outcomes` has None where that report's catalogue does not know it."""

    requirement: RequirementReport
    outcomes: tuple[Outcome | None, ...]

    @property
    def differs(self) -> bool:
        """Whether some pass it and some fail it. What was not judged shows no difference."""
        return set(self.outcomes) >= _JUDGED

    @property
    def partial(self) -> bool:
        """Whether it was judged for some, and not for others that claim its profile."""
        found = set(self.outcomes) - {None, Outcome.NOT_CLAIMED, Outcome.NOT_APPLICABLE}
        return bool(found & _JUDGED) and bool(found - _JUDGED)

    @property
    def silent(self) -> bool:
        """Whether no implementation was judged by it, and the harness did not break over it either."""
        return not set(self.outcomes) & (_JUDGED | {Outcome.BROKEN})

    @property
    def signs(self) -> tuple[str, ...]:
        """One sign for each report."""
        return tuple(ABSENT if one is None else SIGNS[one] for one in self.outcomes)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Reports beside each other; `names` are what tells them apart, in the same order."""

    reports: tuple[Report, ...]
    names: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def differing(self) -> tuple[Row, ...]:
        """The rows that tell the implementations apart."""
        return tuple(row for row in self.rows if row.differs)

    @property
    def exit_code(self) -> int:
        """The worst of the reports: a harness error, then non-conformant, then incomplete, then conformant."""
        codes = {one.verdict.deciding.exit_code for one in self.reports}
        return next((code for code in (3, 1, 2) if code in codes), 0)

    @property
    def profiles(self) -> list[tuple[str, list[Row]]]:
        """The rows that any implementation was judged by, by profile, in the catalogue's order."""
        told = [row for row in self.rows if not row.silent]
        return [
            (profile, list(rows))
            for profile, rows in groupby(told, key=lambda row: row.requirement.profile.value)
        ]


def compare(reports: Sequence[Report]) -> Comparison:
    """Put reports beside each other, requirement by requirement, for what implementations are judged by."""
    every: dict[str, RequirementReport] = {}
    for report in reports:
        for one in report.requirements:
            if one.judged:
                every.setdefault(one.id, one)
    by_id = [{one.id: one.outcome for one in report.requirements} for report in reports]
    order = {profile: place for place, profile in enumerate(dict.fromkeys(r.profile for r in every.values()))}
    rows = [Row(one, tuple(known.get(id_) for known in by_id)) for id_, one in every.items()]
    rows.sort(key=lambda row: order[row.requirement.profile])
    return Comparison(tuple(reports), _names(reports), tuple(rows))


def _names(reports: Sequence[Report]) -> tuple[str, ...]:
    """Name each by as little as tells it apart: its name, with its version, with its place."""
    plain_names = [one.implementation.name for one in reports]
    full = [f"{one.implementation.name} {one.implementation.version}".strip() for one in reports]
    told = [
        name if plain_names.count(name) == 1 else longer
        for name, longer in zip(plain_names, full, strict=True)
    ]
    return tuple(
        name if told.count(name) == 1 else f"{name} (no. {place})" for place, name in enumerate(told, 1)
    )


def render_comparison_text(comparison: Comparison) -> str:
    """Return the comparison as a table for a terminal: one column for each report, numbered."""
    lines: list[str] = []
    for place, (name, report) in enumerate(zip(comparison.names, comparison.reports, strict=True), 1):
        told = f"{place:>3}  {shown(name)}: {report.verdict.conclusion.value}, {shown(report.verdict.why)}"
        lines += [*textwrap.wrap(told, _WIDTH, subsequent_indent=" " * 5), _cut(f"     {about(report)}")]
    numbers = "".join(f"{place:>4}" for place in range(1, len(comparison.reports) + 1))
    for profile, rows in comparison.profiles:
        lines += ["", f"{profile:<24}{numbers}"]
        for row in rows:
            one = row.requirement
            signs = "".join(f"{sign:>4}" for sign in row.signs)
            told = f"{shown(one.id):<17}{one.level.value:<7}{signs}  {'≠' if row.differs else ' '} {shown(one.words)}"
            lines.append(_cut(told))
    lines += ["", legend(), ""]
    for sentence in conclusions(comparison):
        lines += textwrap.wrap(sentence, _WIDTH)
    return "\n".join(lines) + "\n"


def render_comparison_markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown, as GitHub and GitLab show it."""
    return _render("comparison.md", comparison, plain=plain)


def render_comparison_html(comparison: Comparison) -> str:
    """Return the comparison as an HTML page that stands alone."""
    style, policy = inline_style()
    return _render("comparison.html", comparison, style=style, policy=policy)


def _render(template: str, comparison: Comparison, **more: object) -> str:
    return filled(
        template,
        comparison=comparison,
        columns=list(zip(comparison.names, comparison.reports, strict=True)),
        conclusions=conclusions(comparison),
        about=about,
        ABSENT=ABSENT,
        **more,
    )


def legend() -> str:
    """Return what each sign means."""
    told = [f"{sign} {outcome.value}" for outcome, sign in SIGNS.items()]
    return "  ".join([*told, f"{ABSENT} not in its catalogue", "≠ some pass, some fail"])


def conclusions(comparison: Comparison) -> list[str]:
    """Return a few sentences on what tells the implementations apart, and what cannot be compared."""
    differing = [row.requirement.id for row in comparison.differing]
    # The whole list: it is why people compare.
    told = [f"{_counted(len(differing), 'tells', 'tell')} them apart: {', '.join(differing)}."]
    if not differing:
        told = ["No requirement was passed by one and failed by another."]
    if partial := [row.requirement.id for row in comparison.rows if row.partial and not row.differs]:
        told.append(
            f"{_counted(len(partial), 'was', 'were')} judged for some of them only: {few(partial, _MOST_NAMED)}."
        )
    if silent := sum(1 for row in comparison.rows if row.silent):
        them = "it" if silent == 1 else "them"
        told.append(f"{_counted(silent, 'is', 'are')} left out here, for nobody was judged by {them}.")
    return told


def about(report: Report) -> str:
    """Return what a report is about: the profiles claimed, and what was selected of them."""
    only = f"; only {shown(report.run.selection)}" if report.run.selection else ""
    return f"claims {', '.join(report.implementation.claims) or 'nothing'}{only}"


def shown(text: str) -> str:
    """Return a text on one line, without control characters: a report may come from a stranger."""
    return "".join(one if one.isprintable() else "\ufffd" for one in " ".join(text.split()))


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} requirement {one}" if count == 1 else f"{count} requirements {many}"


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 2].rstrip()} …"
