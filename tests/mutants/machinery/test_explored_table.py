"""The page of what the explorer finds by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.catalogue.features import catalogue
from tests.mutants.machinery import explored_table
from tests.mutants.machinery.trials import mutant_trials

if TYPE_CHECKING:
    from pathlib import Path

_FOUND = {
    "name": "row-not-repaired",
    "wanted": "SCAN-01",
    "stories": 3,
    "seconds": 0.7,
    "found": {"SCAN-01": "story 1: sends 'message=a|b'; then: the row is; observed: it is not; then: x"},
    "after": {"SCAN-01": [1, 0.2]},
}
_MISSED = {"name": "one-send-at-a-time", "wanted": "SEND-10", "stories": 9, "seconds": 60.0, "found": {}}
_OTHERWISE = {**_MISSED, "name": "made-up", "wanted": "SCAN-02", "found": {"SCAN-01": "story 2: x"}}


def test_what_was_found_has_its_story_and_the_rest_a_reason(tmp_path: Path) -> None:
    saved = tmp_path / "saved.jsonl"
    missed_before = {**_FOUND, "found": {}}
    saved.write_text("\n".join(map(json.dumps, (_MISSED, missed_before, _OTHERWISE, _FOUND))), "utf-8")

    page = explored_table.page(explored_table.results(saved))

    assert "finds 1 (33%) by the very requirement that they break, without being told, and 1 more" in page
    assert "| row-not-repaired | SCAN-01 | `sends 'message=a\\|b'; then: the row is` | 1 | 0.2 |" in page
    assert "| one-send-at-a-time | SEND-10 | is about time alone, which stories do not judge |  |" in page
    assert "| made-up | SCAN-02 | is told by another requirement | SCAN-01 |" in page


def test_reasons_are_of_defects_and_requirements_that_exist() -> None:
    assert {*explored_table._REASONS} <= {*catalogue()}
    assert {*explored_table._REASONS_OF} <= {one.name for one in mutant_trials()}
