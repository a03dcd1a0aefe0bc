"""`instance-sync requirements`: the catalogue, and which scenarios judge each of its entries."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from harness.catalogue import features
from harness.catalogue.listing import chosen, requirement_lines, requirements_json, requirements_markdown
from harness.catalogue.requirements import CatalogueError, Level, Profile, traceability

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 4
HARNESS_ERROR = 3

WHAT = "list the requirements, with their scenarios"
_EXAMPLES = """\
examples:
  instance-sync requirements
  instance-sync requirements --profile security --level must
  instance-sync requirements --json

exit codes: 0, or 3 when a scenario's tag names no requirement, 4 when an option is wrong
"""


def main(arguments: Sequence[str]) -> int:
    """Print the requirements asked for, and give the exit code: 3 when a tag of a scenario names none of them."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ended:
        return USAGE_ERROR if ended.code else 0
    try:
        catalogue = features.catalogue()
    except CatalogueError as problem:
        sys.stderr.write(f"instance-sync: {problem}\n")
        return HARNESS_ERROR
    written = features.read_suite(features.features_root())
    requirements = chosen(catalogue, options.profile, options.level)
    if options.json:
        sys.stdout.write(requirements_json(requirements, written) + "\n")
    elif options.markdown:
        sys.stdout.write("\n".join(requirements_markdown(requirements, written)) + "\n")
    else:
        sys.stdout.write("\n".join(requirement_lines(requirements, written)) + "\n")
    unknown = traceability(catalogue, {one.name: one.tags for one in written}).unknown
    for tag, names in unknown.items():
        sys.stderr.write(f"instance-sync: tag @{tag} of scenario {names[0]!r} is no requirement\n")
    return HARNESS_ERROR if unknown else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="instance-sync requirements",
        description="Lists every requirement with its level, words, source, and the scenarios that judge it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--profile", action="append", default=[], choices=list(map(str, Profile)), help="only this profile"
    )
    parser.add_argument(
        "--level", action="append", default=[], choices=list(map(str, Level)), help="only this level"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as a JSON list, for programs")
    form.add_argument("--markdown", action="store_true", help="as tables in Markdown")
    return parser
