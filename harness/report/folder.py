"""The folder that a run's reports are saved in: the one place that writes them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import TargetError
from harness.report.formats import RENDERERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.model import Report

FOLDER = "reports"
"""Where reports are looked for by default."""
REPORT_JSON, REPORT_HTML, HISTORY = "report.json", "report.html", "history"


class ReportFolder:
    """A folder for the reports of one run at a time. Each file is replaced whole, so none is ever half a report."""

    def __init__(self, path: str) -> None:
        self.path = Path(path).absolute()
        histories = self.path / HISTORY
        # Histories are removed there by their ending: behind a link, they would be somebody's files.
        if histories.is_symlink():
            histories.unlink()
        make_folder(histories, path)

    def begin(self, report: Report) -> None:
        """Replace the report of the last run, and its histories, by one that says that this run has not ended.

        A run that goes on from that report keeps the histories that its own report names.
        """
        kept = {self.path / one.history for one in report.scenarios if one.history}
        for old in set((self.path / HISTORY).glob("*.jsonl")) - kept:
            old.unlink()
        self.write(report)

    def keep(self, file: str, lines: str) -> None:
        """Save the history of one scenario; `file` is relative to the folder."""
        replace(self.path / file, lines)

    def write(self, report: Report) -> None:
        """Write the report in every format."""
        replace_all({self.path / file: render(report) for file, render in RENDERERS.items()})


def make_folder(folder: Path, report: str) -> None:
    """Make a folder, and check that files can be written in it; TargetError about the option `--report` otherwise."""
    can_write(folder, f"--report {report}")


def can_write(folder: Path, option: str) -> None:
    """Make a folder, and check that files can be written in it; TargetError about an option otherwise."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        raise TargetError(
            f"{option}: cannot write there: {problem.strerror}; name a folder that can be made"
        ) from None


def replace(path: Path, text: str) -> None:
    """Write a file whole, so that no reader sees half of it."""
    replace_all({path: text})


def replace_all(texts: Mapping[Path, str]) -> None:
    """Write files whole, and none of them before there is room for all: they must agree.

    Others may be able to write in the folder too. So each is written under a name that nobody can know before, in a
    file that was not there; and a link in the place of a report is replaced, not followed.
    """
    parts: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            # Created with O_EXCL and O_NOFOLLOW.
            descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
            parts[path] = Path(name)
            with os.fdopen(descriptor, "w", encoding="utf-8") as part:
                os.fchmod(descriptor, 0o666 & ~_umask())
                part.write(text)
        for path in texts:
            os.replace(parts[path], path)  # noqa: PTH105 - the name says that it is atomic
            del parts[path]
    finally:
        for part_left in parts.values():
            part_left.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
