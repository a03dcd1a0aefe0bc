"""Whatever a program does to whoever judges it, it is judged or it is not, and the harness goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.hostile.program import KINDS
from tests.harness.hostile.table import judged

if TYPE_CHECKING:
    from pathlib import Path

WORST = ("send:endless", "log-line-of-objects", "table-dropped")


@pytest.mark.parametrize(
    "kind", [kind if kind in WORST else pytest.param(kind, marks=pytest.mark.thorough) for kind in KINDS]
)
def test_a_hostile_program_is_judged_or_not_judged(tmp_path: Path, host: str, kind: str) -> None:
    came = judged(kind, tmp_path, host)

    assert came.well, f"{came}\n{came.output}"
