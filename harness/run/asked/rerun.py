"""Goes on from a saved report: what failed is run again, and what came of the rest stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue.features import harness_version
from harness.catalogue.verdict import Conclusion, Outcome
from harness.errors import TargetError
from harness.report.folder import FOLDER, REPORT_JSON
from harness.report.model import parse_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.catalogue.features import WrittenScenario
    from harness.catalogue.requirements import Catalogue
    from harness.contract import Target
    from harness.report.model import Report, RunReport


def report_before(folder: str | None) -> Report:
    """Return the report saved last; TargetError if nothing can go on from it."""
    path = Path(folder or FOLDER) / REPORT_JSON
    try:
        report = parse_json(path.read_text("utf-8"))
    except OSError as problem:
        raise TargetError(
            f"--rerun-failed: {path} cannot be read ({problem.strerror}); run once with --report {path.parent}"
        ) from None
    except ValueError:
        raise TargetError(
            f"--rerun-failed: {path} is no report of this version; run once with --report {path.parent}"
        ) from None
    broken = report.verdict.conclusion is Conclusion.HARNESS_ERROR
    if not report.complete or (broken and not any(one.outcome is Outcome.BROKEN for one in report.scenarios)):
        how = "broke" if report.complete else "never ended"
        raise TargetError(
            f"--rerun-failed: the run in {path} {how}, so nobody knows what failed; run it again whole"
        )
    return report


def failed_in(report: Report) -> list[str]:
    """Return the ids of what ran and did not pass."""
    return [one.id for one in report.scenarios if one.ran and one.outcome is not Outcome.PASSED]


def check_same(
    before: Report, target: Target, catalogue: Catalogue, suite: Collection[WrittenScenario]
) -> None:
    """Check that a run can go on from a report: TargetError if it is of another target, or of other scenarios."""
    judged, way_out = before.implementation, "run it again whole, or name its folder with --report"
    if (judged.name, judged.version) != (target.name, target.version):
        raise TargetError(
            f"--rerun-failed: the report is of {judged.name} {judged.version}, and the target is "
            f"{target.name} {target.version}; {way_out}"
        )
    now = harness_version(), catalogue.revision
    if (before.run.harness, before.run.catalogue) != now:
        raise TargetError(
            f"--rerun-failed: the report is of instance-sync {before.run.harness} with revision "
            f"{before.run.catalogue} of the catalogue, and these are {now[0]} and {now[1]}; {way_out}"
        )
    files = {one.file for one in suite}
    known = {(one.file, one.name) for one in suite}
    if lost := [
        one.id
        for one in before.scenarios
        if one.ran and one.file in files and (one.file, one.name) not in known
    ]:
        raise TargetError(f"--rerun-failed: the report has {lost[0]}, which is no scenario now; {way_out}")


def continued(run: RunReport, before: Report, again: int) -> RunReport:
    """Return how a run was made that goes on from a report, and judged so many scenarios again."""
    return replace(
        run,
        selection=before.run.selection,
        seconds=round(run.seconds + before.run.seconds, 3),
        run_again=again,
    )
