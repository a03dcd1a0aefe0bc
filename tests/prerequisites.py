"""Programs that some tests need: without one a test is skipped on a laptop, and fails in CI."""

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
    """Skip the test, or fail it in CI, because of what these words name."""
    if os.environ.get(ALL_REQUIRED):
        pytest.fail(words)
    pytest.skip(words)


def program(name: str, package: str) -> str:
    """Return the path of a program; if it is missing, skip the test, or fail it in CI."""
    if (found := shutil.which(name)) is not None:
        return found
    for pattern in _ELSEWHERE:
        for folder in sorted(Path("/").glob(pattern.lstrip("/"))):
            if (found := shutil.which(name, path=str(folder))) is not None:
                return found
    lacking(f"{name} is not installed: on Debian it is in the package {package}")
