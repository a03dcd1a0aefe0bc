"""The templates of the reports that are documents."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.catalogue.requirements import Level
from harness.catalogue.verdict import Conclusion, Outcome
from harness.wording import visible

SIGNS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.BROKEN: "‼",
    Outcome.NOT_JUDGED: "?",
    Outcome.NOT_WRITTEN: "○",
    Outcome.NOT_CLAIMED: "·",
    Outcome.NOT_APPLICABLE: "∅",
}
CONCLUDING_SIGNS = {
    Conclusion.CONFORMANT: "✓",
    Conclusion.NON_CONFORMANT: "✗",
    Conclusion.INCOMPLETE: "?",
    Conclusion.HARNESS_ERROR: "‼",
}


def _visible(value: object) -> object:
    # What is escaped already is Markup.
    return visible(value) if type(value) is str else value


@cache
def environment() -> Environment:
    """Return the templates, in which every value is escaped and an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    made.globals |= {"SIGNS": SIGNS, "CONCLUDING_SIGNS": CONCLUDING_SIGNS, "Outcome": Outcome, "Level": Level}
    return made


def filled(template: str, **values: object) -> str:
    """Return a template with these values."""
    return environment().get_template(template).render(**values)


def inline_style() -> tuple[Markup, str]:
    """Return the style of a page that stands alone, and the content security policy that allows only it."""
    # Its first and last line breaks lie inside the style element, and so count for the hash.
    style = "\n" + filled("report.css") + "\n"
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Markup(style), policy  # noqa: S704 - our own file
