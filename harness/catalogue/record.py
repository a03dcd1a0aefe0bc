"""One run of a scenario, in the one shape that it has from the hook that ends it to the report. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from harness.catalogue.requirements import Level
from harness.catalogue.verdict import Outcome
from harness.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.catalogue.requirements import Catalogue


# This docstring, like those of evidence and report model, is part of the published schema.
@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", title="ScenarioReport"))
class Record:
    """One run of a scenario, or a scenario that did not run.

    `id` is the same in every run: file, name and row of Examples. `history` is the file of its history, relative
    to the report's folder, and empty where none was saved. `again_because` says why it was judged again, if it was.
    """

    __qualname__ = "ScenarioReport"  # its name in the published schema

    id: str
    name: str
    row: str
    file: str
    line: int
    rule: str
    level: Level
    requirement_ids: tuple[str, ...]
    outcome: Outcome
    reason: str
    ran: bool
    judged_again: bool = False
    again_because: str = ""
    history: str = ""
    evidence: Evidence = Evidence()

    # What the verdict and the report folder need besides; no report has it.
    node: str = Field(default="", exclude=True)
    """pytest's id of the run."""
    example: str = Field(default="", exclude=True)
    """The row of its Examples as JSON; empty where `node` alone identifies the run."""
    time_bound: bool = Field(default=False, exclude=True)
    """Whether it failed by a time bound alone, and so is judged once more."""
    doubt: str = Field(default="", exclude=True)
    """What took long that had no reason to, if it did not pass; it is then judged once more."""
    lines: str = Field(default="", exclude=True, repr=False)
    """Its history as JSON lines; empty when no report was asked for."""

    def to_wire(self) -> dict[str, Any]:
        """Return the record as JSON values, which can cross from a worker to its controller."""
        return {**asdict(self), "level": str(self.level), "outcome": str(self.outcome)}

    @classmethod
    def from_wire(cls, values: dict[str, Any]) -> Record:
        """Return the record that `to_wire` made these values from."""
        return _RECORD.validate_python(values)


_RECORD = TypeAdapter(Record)


def row_of(node: str) -> str:
    """Return the row of Examples in pytest's id of a run; empty where there is none."""
    return node.partition("::")[2].partition("[")[2].removesuffix("]")


def scenario_id(file: str, name: str, row: str) -> str:
    """Return the name that a run of a scenario has in every report, whatever folder pytest ran in."""
    return f"{file}::{name}" + (f"[{row}]" if row else "")


def level_of(ids: Collection[str], catalogue: Catalogue) -> Level:
    """Return the strictest level among these requirements."""
    levels = {catalogue[id_].level for id_ in ids}
    return next(level for level in Level if level in levels)


def history_file(id_: str) -> str:
    """Return the file, relative to the report's folder, that the history of a scenario is saved in."""
    slug = re.sub(r"[^a-z0-9]+", "-", id_.partition("::")[2].lower()).strip("-")[:60]
    digest = hashlib.sha256(id_.encode()).hexdigest()[:8]
    return f"history/{slug}-{digest}.jsonl"
