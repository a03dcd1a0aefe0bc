"""Which sentences of the contract a run judged, section by section. Pure, but for reading which they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from harness.catalogue.verdict import Outcome
from harness.report.model import SectionReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.report.model import RequirementReport

SECTIONS_JSON = "contract-sections.json"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the contract; `sentences` has for each the requirements that judge it."""

    title: str
    sentences: tuple[tuple[str, ...], ...]


_SECTIONS = TypeAdapter(tuple[Section, ...])


def read_sections(features: Path) -> tuple[Section, ...]:
    """Read which requirements judge each sentence of the contract; nothing where the file is not there."""
    file = features / SECTIONS_JSON
    return _SECTIONS.validate_json(file.read_text("utf-8")) if file.is_file() else ()


def judged_sections(
    sections: Sequence[Section], requirements: Sequence[RequirementReport]
) -> tuple[SectionReport, ...]:
    """Count in each section the sentences that this run judged, and name what would judge the others."""
    judged = {one.id for one in requirements if one.outcome in {Outcome.PASSED, Outcome.FAILED}}
    found = []
    for one in sections:
        open_ = [ids for ids in one.sentences if judged.isdisjoint(ids)]
        needed = dict.fromkeys(id_ for ids in open_ for id_ in ids)
        total = len(one.sentences)
        found.append(SectionReport(one.title, total, total - len(open_), tuple(needed)))
    return tuple(found)
