"""`instance-sync explain`: one requirement, what usually breaks it, and what came of it in a report."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.catalogue import features
from harness.catalogue.listing import scenarios_of
from harness.catalogue.verdict import Outcome
from harness.cli.group import WIDTH, epilog
from harness.cli.options import named_requirement, requirement_ids
from harness.errors import TargetError
from harness.report import text
from harness.report.causes.telling import carried, cause_lines
from harness.report.folder import REPORT_JSON
from harness.report.model import parse_json
from harness.report.sensitivity import read_defects
from harness.wording import few, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Requirement
    from harness.report.model import Report

_EXAMPLES = """\
  instance-sync explain SCAN-01             words, source, scenarios, and what usually goes wrong
  instance-sync explain reports             the likely causes of what failed in a saved report
  instance-sync explain reports SCAN-01     what came of it in the report that verify --report reports saved
"""
_MOST_MISTAKES, _MOST_RUNS, _MOST_IDS = 12, 12, 12
_INDENT = "    "


@click.command(epilog=epilog("explain", _EXAMPLES))
@click.argument(
    "words", nargs=-1, required=True, metavar="[REPORT] [ID]", shell_complete=requirement_ids,
    help="a saved report or its folder, if it is about one; and the id of a requirement, or all causes are told",
)  # fmt: skip
def command(words: tuple[str, ...]) -> None:
    """Explain one requirement: what it asks, how it is judged, and what usually goes wrong."""
    *reports, name = words
    if not reports and Path(name).exists():
        report = _read(name)
        told = cause_lines(report) or ["no cause: nothing in this report failed"]
        click.echo(visible("\n".join([*told, f"verdict: {report.verdict.conclusion.value}"])))
        return
    if len(reports) > 1:
        raise click.UsageError("give one id, and at most one report before it")
    requirement = named_requirement(name)
    lines = [*_about(requirement)]
    if reports:
        lines += ["", *_in_report(_read(reports[0]), requirement)]
    click.echo(visible("\n".join(lines)))


def _read(given: str) -> Report:
    path = Path(given)
    file = path / REPORT_JSON if path.is_dir() else path
    try:
        return parse_json(file.read_text("utf-8"))
    except OSError as problem:
        raise TargetError(
            f"{file} cannot be read: {problem.strerror}; verify --report FOLDER saves a report"
        ) from None
    except ValueError:
        raise TargetError(f"{file} is no report of this version; judge the target again") from None


def _about(one: Requirement) -> Iterator[str]:
    yield f"{one.id}  {one.level.value.upper()}, profile {one.profile.value}"
    yield from _wrapped(one.words)
    yield from _wrapped(f"source: {'; '.join(one.source)}")
    root = features.features_root()
    written = scenarios_of(one, features.read_suite(root))
    yield from ("", "how it is judged")
    for each in written:
        rows = f"  ({each.examples} rows)" if each.examples else ""
        yield f"{_INDENT}{root / each.file}:{each.line}"
        yield from _wrapped(f"{each.name}{rows}", _INDENT * 2)
    if one.test:
        yield f"{_INDENT}{one.test}"
    if one.judged:
        yield f"{_INDENT}instance-sync verify --requirement {one.id} judges by it alone"
    defects = read_defects(root)
    own = [*dict.fromkeys(each.mistake for each in defects if each.requirement == one.id)]
    names = {f"{each.file}::{each.name}" for each in written}
    caught = [each for each in defects if names & {run.partition("[")[0] for run in each.scenarios}]
    others = sorted({each.requirement for each in caught} - {one.id})
    if own:
        yield from ("", f"what usually goes wrong ({len(own)} known mistakes break it)")
        for mistake in own[:_MOST_MISTAKES]:
            yield from _wrapped(f"- {mistake}", _INDENT, _INDENT + "  ")
        if len(own) > _MOST_MISTAKES:
            yield f"{_INDENT}and {len(own) - _MOST_MISTAKES} more, in {root / 'known-defects.json'}"
    if others:
        told = f"its scenarios have also caught defects of {few(others, _MOST_IDS)}"
        yield from ("", *_wrapped(told, ""))


def _in_report(report: Report, one: Requirement) -> Iterator[str]:
    judged = report.implementation
    yield f"in the report of {judged.name} {judged.version}, {report.run.began}"
    if not report.complete:
        yield f"{_INDENT}that run had not ended when this was written"
    found = next((each for each in report.requirements if each.id == one.id), None)
    if found is None:
        yield f"{_INDENT}the report does not know this requirement: it is of another revision of the catalogue"
        return
    yield f"{_INDENT}{found.outcome.value}"
    for reason in found.reasons[:1]:
        yield from _wrapped(reason.splitlines()[0] if reason else "", _INDENT * 2)
    for number, cause in enumerate(report.causes, start=1):
        if one.id in cause.requirements:
            yield from _wrapped(f"cause {number} of {len(report.causes)}: {cause.words}")
            yield from _wrapped(carried(cause), _INDENT * 2)
    runs = [each for each in report.scenarios if each.id in found.scenarios]
    for each in runs[:_MOST_RUNS]:
        yield from _wrapped(f"{each.outcome.value:<14}{each.id}", _INDENT, _INDENT + " " * 14)
    if len(runs) > _MOST_RUNS:
        yield f"{_INDENT}and {len(runs) - _MOST_RUNS} more runs"
    yield from _of_failure(runs)


def _of_failure(runs: Sequence[Record]) -> Iterator[str]:
    """Tell the worst run as verify does: what was expected, what came, and everything that happened in order."""
    order = [*Outcome]
    wrong = [one for one in runs if one.ran and one.outcome is not Outcome.PASSED]
    if wrong:
        worst = min(wrong, key=lambda one: order.index(one.outcome))
        yield from ("", text.failure(worst, features.catalogue()))


def _wrapped(words: str, indent: str = _INDENT, behind: str | None = None) -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=indent, subsequent_indent=indent if behind is None else behind,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
