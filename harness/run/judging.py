"""What the exception that ended a scenario means, and how pytest's own report describes it, without secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError
from harness.catalogue.verdict import Outcome
from harness.errors import ConformanceFailure, LaunchError, NotJudgedError
from harness.redaction import redact
from harness.report import text
from harness.run.again.doubt import MOST_TRIES, Doubts

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_bdd.parser import Step

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue
    from harness.run.again.machine import Strain
    from harness.scenario.scene import Scene


_IN_OUR_WORDS = {Outcome.FAILED, Outcome.NOT_JUDGED}


def outcome_of(problem: BaseException | None) -> tuple[Outcome, str]:
    """Return what an exception that ended a scenario, if any, means for its outcome, and why in one paragraph."""
    match problem:
        case None:
            return Outcome.PASSED, ""
        case ConformanceFailure():
            return Outcome.FAILED, f"expected {problem.expected}; observed {problem.observed}"
        case NotJudgedError() | LaunchError() | FleetError():
            return Outcome.NOT_JUDGED, str(problem)
        case pytest.skip.Exception():
            return Outcome.NOT_JUDGED, f"it was skipped: {problem.msg}"
        case pytest.xfail.Exception():
            return Outcome.NOT_JUDGED, f"it was expected to fail and did not run to its end: {problem.msg}"
        case _:
            return Outcome.BROKEN, f"{type(problem).__name__}: {problem}"


def check_scene_came_about(scene: Scene, step: Step | None, failure: ConformanceFailure) -> None:
    """Let a failure stand only if its scene came about; NotJudgedError where what was seen says nothing.

    A Given that fails is another requirement's finding. So is a failure without the fault or the moment that the
    scenario is about, and one by an implementation that cannot do what the scenario takes for granted.
    """
    observed = f"expected {failure.expected}; observed {failure.observed}"
    if step is not None and step.type == "given":
        raise NotJudgedError(
            f"the scene did not come about, at: {step.keyword} {step.name.splitlines()[0]}: {observed}"
        ) from failure
    try:
        scene.check_faults_fired()
        scene.check_controls()
    except NotJudgedError as problem:
        raise NotJudgedError(f"{problem}; so this says nothing: {observed}") from failure
    except ConformanceFailure as problem:
        raise NotJudgedError(
            f"so it is with nothing else under way: expected {problem.expected}; observed {problem.observed}; "
            f"so this says nothing: {observed}"
        ) from failure


def doubts_about(
    records: Collection[Record], at_the_end: Collection[Record], strain: Strain, timeout: float
) -> Doubts:
    """Return why what came of a scenario, and `at_the_end` of its clean-up, may be due to slowness.

    Nothing excuses an implementation that ended by itself, which the clean-up finds, or a harness that broke.
    """
    wrong = [one for one in (*records, *at_the_end) if one.outcome is not Outcome.PASSED]
    late = "a time bound was missed" if all(one.time_bound for one in wrong) else ""
    stands = any(one.outcome is Outcome.BROKEN or (one in at_the_end and not one.time_bound) for one in wrong)
    if stands or not wrong:
        return Doubts()
    long = strain.still >= timeout
    return Doubts(late, wrong[0].doubt, strain.standstill(timeout), strain.crowd, long)


def not_judged_for(record: Record, excused: str) -> Record:
    """Return the record of a scenario that went wrong each time, and each time while the machine was to blame."""
    reason = f"it went wrong {MOST_TRIES} times, the last time because {excused}; what was seen then: {record.reason}"
    return replace(record, outcome=Outcome.NOT_JUDGED, reason=reason)


def drop_traceback(call: pytest.CallInfo[None]) -> None:
    """Drop the traceback of what is described in our own words: to format it takes longer than most scenarios."""
    found = call.excinfo
    if found is None or isinstance(found.value, pytest.skip.Exception):
        return
    if outcome_of(found.value)[0] in _IN_OUR_WORDS:
        found.traceback = found.traceback.filter(lambda _: False)


def describe(
    report: pytest.TestReport, record: Record, catalogue: Catalogue, secrets: Collection[str]
) -> None:
    """Describe a failure by its record; in what pytest describes itself, redact secrets."""
    report.sections = [(title, redact(content, secrets)) for title, content in report.sections]
    if record.outcome is Outcome.BROKEN and record.evidence.observed != report.longreprtext:
        report.longrepr = record.evidence.observed
    elif record.outcome in _IN_OUR_WORDS and not report.skipped:
        report.longrepr = text.failure(record, catalogue)
