"""Describes a scenario that did not pass in pytest's own report, in our words and without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.catalogue.verdict import Outcome
from harness.redaction import redact
from harness.report import text
from harness.run.outcomes import outcome_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue

_IN_OUR_WORDS = {Outcome.FAILED, Outcome.NOT_JUDGED}


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
