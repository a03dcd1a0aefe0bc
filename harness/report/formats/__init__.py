"""The formats of a report: a module for each, and the table of all of them. A format is a pure function to text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.formats.badge import render_badge_json, render_badge_svg
from harness.report.formats.html import render_html
from harness.report.formats.junit import render_junit
from harness.report.formats.markdown import render_markdown
from harness.report.model import render_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.report.model import Report

RENDERERS: Mapping[str, Callable[[Report], str]] = {
    "report.json": render_json,
    "report.xml": render_junit,
    "report.md": render_markdown,
    "report.html": render_html,
    "badge.json": render_badge_json,
    "badge.svg": render_badge_svg,
}
"""By the name of the file that each is saved in."""
