"""A run as Markdown, for the summary page of a CI server. Pure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.catalogue.verdict import Outcome
from harness.report.formats.templating import environment

if TYPE_CHECKING:
    from harness.report.model import Report

MOST_TOLD = 30
"""Scenarios that are told one by one; summaries of CI servers are cut off at a megabyte."""
MOST_LINES = 60

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~])")


def render_markdown(report: Report) -> str:
    """Give the report as Markdown, as GitHub and GitLab show it."""
    wrong = [one for one in report.scenarios if one.ran and one.outcome is not Outcome.PASSED]
    return (
        environment()
        .get_template("report.md")
        .render(report=report, wrong=wrong, most=MOST_TOLD, most_lines=MOST_LINES, plain=plain, code=code)
    )


def plain(text: str) -> Markup:
    """Give a text on one line that no character of has a meaning to Markdown or HTML."""
    told = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return Markup(html.escape(told, quote=False))  # noqa: S704 - escaped


def code(lines: list[str]) -> Markup:
    """Give lines as they are, within an HTML element in which Markdown has no say."""
    return Markup("<pre>{}</pre>").format("\n".join(line for line in lines if line.strip()))
