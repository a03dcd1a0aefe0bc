"""`instance-sync steps`: every step that a feature can be written with."""

from __future__ import annotations

import click

from harness.cli.group import epilog
from harness.cli.step_list import matching, step_lines, steps_markdown, themes
from harness.errors import TargetError

_EXAMPLES = """\
  instance-sync steps
  instance-sync steps row assigned       those with both words in them
  instance-sync steps --markdown
"""
_NOTE = "{a name} stands for a value, and what is in brackets can be left out."


@click.command(epilog=epilog("steps", _EXAMPLES, _NOTE))
@click.argument("words", nargs=-1, metavar="[WORD]...", help="only steps with every one of these in them")
@click.option("--markdown", is_flag=True, help="as tables in Markdown")
def command(words: tuple[str, ...], *, markdown: bool) -> None:
    """List every step, by theme, with what it does and the values that it takes."""
    found = matching(themes(), words)
    if not found:
        raise TargetError(f"no step has {' and '.join(map(repr, words))} in it; without words all are listed")
    click.echo("\n".join(steps_markdown(found) if markdown else step_lines(found)))
