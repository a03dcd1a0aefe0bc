"""How much a run could have caught: the known defects that the scenarios it judged are able to catch.

A known defect is an implementation with one mistake. That its scenarios catch it was seen, and is seen again whenever
this project is tested; `known-defects.json`, beside the features, says which they are. Pure, but for reading it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from harness.catalogue.verdict import Outcome
from harness.report.model import SensitivityReport

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue, Profile

DEFECTS_JSON = "known-defects.json"

LEFT_OUT, UNJUDGED = "scenarios that were left out", "scenarios that could not be judged"


@dataclass(frozen=True, slots=True)
class KnownDefect:
    """An implementation with one mistake, and the runs of scenarios that catch it, by the ids that reports give."""

    name: str
    requirement: str
    mistake: str
    scenarios: tuple[str, ...]


_DEFECTS = TypeAdapter(tuple[KnownDefect, ...])


def read_defects(features: Path) -> tuple[KnownDefect, ...]:
    """Read what is known of a suite of features."""
    return _DEFECTS.validate_json((features / DEFECTS_JSON).read_text("utf-8"))


def sensitivity(
    defects: Sequence[KnownDefect],
    scenarios: Collection[Record],
    catalogue: Catalogue,
    claims: Collection[Profile],
) -> SensitivityReport | None:
    """Count the defects that a run could have caught, and say what the others need.

    A defect needs one of its scenarios to be judged. Gives None for a run of other scenarios than the suite's:
    nothing is known of them.
    """
    judged = {one.id for one in scenarios if one.outcome in {Outcome.PASSED, Outcome.FAILED}}
    ran = {one.id for one in scenarios if one.ran}
    theirs = {id_ for one in defects for id_ in one.scenarios}
    if ran and not ran & theirs:
        return None
    missing = [one for one in defects if judged.isdisjoint(one.scenarios)]
    needs: Counter[str] = Counter()
    for one in missing:
        profile = catalogue[one.requirement].profile
        if profile not in claims:
            needs[profile.value] += 1
        else:
            needs[LEFT_OUT if ran.isdisjoint(one.scenarios) else UNJUDGED] += 1
    return SensitivityReport(len(defects), len(defects) - len(missing), dict(needs.most_common()))
