"""What docs/own-scenarios.md says to write runs as it says, in a folder that knows nothing of this project."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.docs import DOCS
from tests.harness.commands import run

if TYPE_CHECKING:
    from pathlib import Path

_PAGE = (DOCS / "own-scenarios.md").read_text("utf-8")
_BLOCKS = re.findall(r"^```\w+\n# (\S+)\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
COMMAND = [sys.executable, "-m", "pytest", "my_features/", "--fleet-ports", "free", "-p", "no:cacheprovider"]


@pytest.mark.parametrize(
    ("blocks", "status"),
    [
        (_BLOCKS[:2], 2),
        (_BLOCKS[2:], 0),
    ],
    ids=["a scenario that carries a requirement", "steps of its own"],
)
def test_the_examples_run_as_the_page_says(
    blocks: list[tuple[str, str]], status: int, tmp_path: Path
) -> None:
    assert len(blocks) == 2
    (tmp_path / "my_features").mkdir()
    for name, text in blocks:
        (tmp_path / name).write_text(text, "utf-8")

    ended = run(COMMAND, tmp_path, cwd=tmp_path)

    assert ended.returncode == status, ended.stdout + ended.stderr
    assert re.search(r"^=+ 1 passed in ", ended.stdout, re.MULTILINE)
