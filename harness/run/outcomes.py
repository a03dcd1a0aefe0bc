"""Decides what the exception that ended a scenario means: a failure, not judged, or a harness error. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError
from harness.catalogue.verdict import Outcome
from harness.errors import ConformanceFailure, LaunchError, NotJudgedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.catalogue.record import Record


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


def missed_a_time_bound_alone(records: Collection[Record]) -> bool:
    """Return whether what came of a scenario and of its clean-up is a missed time bound, and no more than that."""
    wrong = [one for one in records if one.outcome is not Outcome.PASSED]
    return bool(wrong) and all(one.time_bound for one in wrong)
