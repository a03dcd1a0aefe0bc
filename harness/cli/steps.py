"""`instance-sync steps`: every step that a feature can be written with."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from harness.cli.step_list import matching, step_lines, steps_markdown, themes

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 4
WHAT = "list the steps that scenarios are written with"
_EXAMPLES = """\
examples:
  instance-sync steps
  instance-sync steps row assigned       those with both words in them
  instance-sync steps --markdown

{a name} stands for a value, and what is in brackets can be left out.

exit codes: 0 when there is one, 4 when no step has these words or an option is wrong
"""


def main(arguments: Sequence[str]) -> int:
    """Print the steps asked for, and give the exit code."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ended:
        return USAGE_ERROR if ended.code else 0
    found = matching(themes(), options.words)
    if not found:
        sys.stderr.write(
            f"instance-sync: no step has {' and '.join(map(repr, options.words))} in it; "
            "without words all are listed\n"
        )
        return USAGE_ERROR
    lines = steps_markdown(found) if options.markdown else step_lines(found)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="instance-sync steps",
        description="Lists every step, by theme, with what it does and the values that it takes.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="only steps with every one of these in them")
    parser.add_argument("--markdown", action="store_true", help="as tables in Markdown")
    return parser
