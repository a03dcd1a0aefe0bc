"""The templates of the reports that are documents."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.requirements import Level
from harness.verdict import Conclusion, Outcome

SIGNS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.BROKEN: "‼",
    Outcome.NOT_JUDGED: "?",
    Outcome.NOT_WRITTEN: "○",
    Outcome.NOT_CLAIMED: "·",
}
CONCLUDING_SIGNS = {
    Conclusion.CONFORMANT: "✓",
    Conclusion.NON_CONFORMANT: "✗",
    Conclusion.INCOMPLETE: "?",
    Conclusion.HARNESS_ERROR: "‼",
}


@cache
def environment() -> Environment:
    """Give the templates, in which every value is escaped and an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"SIGNS": SIGNS, "CONCLUDING_SIGNS": CONCLUDING_SIGNS, "Outcome": Outcome, "Level": Level}
    return made
