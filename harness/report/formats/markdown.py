"""A run as Markdown, for the summary page of a CI server. Pure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.catalogue.verdict import Outcome
from harness.report.causes.telling import heading
from harness.report.formats.templating import filled
from harness.wording import counted_as, visible

if TYPE_CHECKING:
    from harness.catalogue.record import Record
    from harness.report.model import Report

MOST_TOLD = 30
"""How many scenarios are shown one by one; summaries of CI servers are cut off at a megabyte."""
MOST_LINES = 60
MOST_CAUSES = 12

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~])")


def render_markdown(report: Report) -> str:
    """Return the report as Markdown, as GitHub and GitLab show it."""
    wrong = [one for one in report.scenarios if one.ran and one.outcome is not Outcome.PASSED]
    return filled(
        "report.md",
        report=report,
        wrong=wrong,
        plain=plain,
        code=code,
        heading=heading,
        counted_as=counted_as,
        shown=_shown,
        by_id={one.id: one for one in report.scenarios},
        most=MOST_TOLD,
        most_lines=MOST_LINES,
        most_causes=MOST_CAUSES,
    )


def _shown(one: Record) -> list[str]:
    """Return the finding of a scenario and what happened in it."""
    evidence = one.evidence
    told = [f"expected  {evidence.expected}", f"observed  {evidence.observed}"] if evidence.expected else []
    lines = [*(told or [one.reason]), *evidence.timeline[-MOST_LINES:]]
    return [line for text in lines for line in text.splitlines() if line.strip()]


def plain(text: str) -> Markup:
    """Return a text on one line, escaped for Markdown and HTML."""
    told = _SPECIAL.sub(r"\\\1", " ".join(visible(text).split()))
    return Markup(html.escape(told, quote=False))  # noqa: S704 - escaped


def code(lines: list[str]) -> Markup:
    """Return lines as they are, in an HTML element inside which Markdown means nothing."""
    return Markup("<pre>{}</pre>").format(visible("\n".join(line for line in lines if line.strip())))
