"""The folder that a run's reports are saved in: the one place that writes them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import TargetError
from harness.report.badge import render_badge_json, render_badge_svg
from harness.report.html import render_html
from harness.report.junit import render_junit
from harness.report.markdown import render_markdown
from harness.report.model import render_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.report.model import Report

FOLDER = "reports"
"""Where reports are looked for when nobody says otherwise."""
REPORT_JSON, REPORT_XML, REPORT_MD, REPORT_HTML = "report.json", "report.xml", "report.md", "report.html"
HISTORY = "history"

RENDERERS: Mapping[str, Callable[[Report], str]] = {
    REPORT_JSON: render_json,
    REPORT_XML: render_junit,
    REPORT_MD: render_markdown,
    REPORT_HTML: render_html,
    "badge.json": render_badge_json,
    "badge.svg": render_badge_svg,
}


class ReportFolder:
    """A folder for one run's reports at a time. Each file is replaced whole, so none is ever half a report.

    Raises:
        TargetError: the folder cannot be made or written in.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path).absolute()
        try:
            (self.path / HISTORY).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as problem:
            raise TargetError(
                f"--report {path}: cannot write there: {problem.strerror}; name a folder that can be made"
            ) from None

    def begin(self, report: Report) -> None:
        """Put a report that says that the run has not ended in the place of the last run's, and of its histories."""
        for old in (self.path / HISTORY).glob("*.jsonl"):
            old.unlink()
        self.write(report)

    def keep(self, file: str, lines: str) -> None:
        """Save the history of one scenario; `file` is relative to the folder."""
        replace(self.path / file, lines)

    def write(self, report: Report) -> None:
        """Write the report in every format."""
        replace_all({self.path / file: render(report) for file, render in RENDERERS.items()})


def replace(path: Path, text: str) -> None:
    """Write a file whole, so that nobody ever reads half of it."""
    replace_all({path: text})


def replace_all(texts: Mapping[Path, str]) -> None:
    """Write files whole, and none of them before there is room for all: they are to tell one thing."""
    parts = {path: path.with_name(f".{path.name}.part") for path in texts}
    try:
        for path, text in texts.items():
            parts[path].write_text(text, "utf-8")
    except BaseException:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise
    for path, part in parts.items():
        os.replace(part, path)  # noqa: PTH105 - the name says that it is atomic
