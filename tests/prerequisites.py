"""Programs that some tests need: skipped with a reason on a laptop that lacks one, and never in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ALL_REQUIRED = "EVERY_PREREQUISITE"
"""Set in CI: a missing program is then a failure."""
_ELSEWHERE = ("/usr/sbin", "/usr/local/sbin", "/usr/lib/postgresql/*/bin")


def lacking(words: str) -> NoReturn:
    """Skip the test, or fail it in CI, for want of what these words name."""
    if os.environ.get(ALL_REQUIRED):
        pytest.fail(words)
    pytest.skip(words)


def program(name: str, package: str) -> str:
    """Give the path of a program; skip the test, or fail it in CI, where it is missing."""
    if (found := shutil.which(name)) is not None:
        return found
    for pattern in _ELSEWHERE:
        for folder in sorted(Path("/").glob(pattern.lstrip("/"))):
            if (found := shutil.which(name, path=str(folder))) is not None:
                return found
    lacking(f"{name} is not installed: on Debian it is in the package {package}")
