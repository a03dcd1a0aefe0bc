"""Scenarios run in an order of their own, whatever shuffles tests: the catalogue's, or the one that a seed gives."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.harness.support import FEATURES, PATIENCE

if TYPE_CHECKING:
    from pathlib import Path


def collected(cwd: Path, *options: str) -> list[str]:
    """Return the rows of two requirements in the order in which they would run."""
    words = [sys.executable, "-m", "pytest", str(FEATURES), "--collect-only", "-q", "-p", "no:cacheprovider"]
    words += ["--requirement", "VERIFY-01", "--requirement", "SCAN-10", *options]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=3 * PATIENCE, cwd=cwd, check=False)
    return re.findall(r"^\S+::test_(.*)$", ended.stdout, re.MULTILINE)


CATALOGUES = [
    "the_assigned_instance_is_asked_first[3003-3003]",
    "the_assigned_instance_is_asked_first[3002-3001]",
    "the_assigned_instance_is_asked_first[3001-3004]",
    "a_second_copy_elsewhere_does_not_attract_the_row[3001-3004]",
    "a_second_copy_elsewhere_does_not_attract_the_row[3004-3001]",
    "a_second_copy_that_answers_faster_does_not_attract_the_row",
]


def test_the_order_is_the_catalogues_whatever_shuffles_tests(tmp_path: Path) -> None:
    assert collected(tmp_path, "-p", "no:randomly") == CATALOGUES
    assert collected(tmp_path, "--randomly-seed=1") == CATALOGUES


def test_a_seed_gives_the_same_random_order_each_time(tmp_path: Path) -> None:
    seven = collected(tmp_path, "--order-seed", "7", "--randomly-seed=1")

    assert sorted(seven) == sorted(CATALOGUES)
    assert seven != CATALOGUES
    assert collected(tmp_path, "--order-seed", "7", "-p", "no:randomly") == seven
    assert collected(tmp_path, "--order-seed", "8", "-p", "no:randomly") != seven
