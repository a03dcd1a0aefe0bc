"""`instance-sync requirements`: the catalogue, and which scenarios judge each of its entries."""

from __future__ import annotations

import click

from harness.catalogue import features
from harness.catalogue.listing import chosen, requirement_lines, requirements_json, requirements_markdown
from harness.catalogue.requirements import CatalogueError, Level, Profile, unknown_tags
from harness.cli.group import epilog
from harness.cli.options import named_requirement, requirement_ids

_EXAMPLES = """\
  instance-sync requirements
  instance-sync requirements --profile security --level must
  instance-sync requirements SCAN-01
  instance-sync requirements --json
"""


@click.command(epilog=epilog("requirements", _EXAMPLES))
@click.argument(
    "ids",
    nargs=-1,
    metavar="[ID]...",
    shell_complete=requirement_ids,
    help="these only, such as SCAN-01; explain says more of one",
)
@click.option("--profile", multiple=True, type=click.Choice([*map(str, Profile)]), help="only this profile")
@click.option("--level", multiple=True, type=click.Choice([*map(str, Level)]), help="only this level")
@click.option("--json", "as_json", is_flag=True, help="as a JSON list, for programs")
@click.option("--markdown", is_flag=True, help="as tables in Markdown")
def command(
    ids: tuple[str, ...], profile: tuple[str, ...], level: tuple[str, ...], *, as_json: bool, markdown: bool
) -> None:
    """List every requirement with its level, words, source, and the scenarios that judge it."""
    if as_json and markdown:
        raise click.UsageError("--json and --markdown are given; keep one")
    catalogue = features.catalogue()
    written = features.read_suite(features.features_root())
    named = {named_requirement(one).id for one in ids}
    requirements = [one for one in chosen(catalogue, profile, level) if not named or one.id in named]
    if as_json:
        click.echo(requirements_json(requirements, written))
    else:
        lines = requirements_markdown if markdown else requirement_lines
        click.echo("\n".join(lines(requirements, written)))
        if named and not markdown:
            for one in requirements:
                click.echo(f"what usually goes wrong: instance-sync explain {one.id}")
    unknown = unknown_tags(catalogue, {one.name: one.tags for one in written})
    if unknown:
        raise CatalogueError(
            "; ".join(
                f"tag @{tag} of scenario {names[0]!r} is no requirement" for tag, names in unknown.items()
            )
        )
