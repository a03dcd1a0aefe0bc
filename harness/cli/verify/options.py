"""What `verify` takes, in groups: the options of the harness, and those of pytest that its users need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import click

from harness.cli.options import requirement_ids, targets
from harness.run.plugin import pytest_addoption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

GROUPS = {
    "Whom to judge, and what decides": ("--target", "--gate", "--unchecked"),
    "What runs": ("--requirement", "--profile", "--level", "-k", "--rerun-failed", "--watch", "--list"),
    "What is saved and shown": ("--report", "-v", "-q", "-x", "--keep"),
    "Where it runs": (
        "-n", "--database", "--fleet-address", "--fleet-ports", "--fleet-host", "--fleet-image",
    ),
    "To run it the same way again": ("--fleet-seed", "--order-seed"),
}  # fmt: skip
"""The options by what they are about, in order. One that is in none of them stands in the last."""
_COMPLETERS = {"--target": targets, "--requirement": requirement_ids}
WATCH = "--watch"


def _pytests() -> Iterator[click.Option]:
    """Return the options of pytest that are worth knowing: pytest itself reads them."""
    told = {
        ("-n", "N"): "how many workers judge, each with instances and an implementation of its own; 0: none "
        "(default: auto, by the target and the cores)",
        ("-k", "WORDS"): "run only the scenarios with these words in their names",
    }
    for (name, metavar), words in told.items():
        yield click.Option([name, f"pytest_{name[1:]}"], metavar=metavar, help=words)
    flags = {"-x": "stop at the first failure", "-v": "show more", "-q": "show less"}
    for name, words in flags.items():
        yield click.Option([name, f"pytest_{name[1:]}"], is_flag=True, help=words)


class _Options(list[click.Option]):
    """Takes the plugin's options as pytest's parser does, and makes click's of them, for help and completion."""

    def getgroup(self, *_: str) -> Self:
        return self

    def addoption(self, name: str, *, help: str, **how: Any) -> None:  # noqa: A002 - as pytest calls it
        choices = how.get("choices")
        self.append(
            click.Option(
                [name],
                is_flag=how.get("action") == "store_true",
                multiple=how.get("action") == "append",
                metavar=None if choices else how.get("metavar"),
                type=click.Choice(choices) if choices else None,
                help=help,
                shell_complete=_COMPLETERS.get(name),
            )
        )


def verify_options() -> list[click.Option]:
    """Return every option, in the order of the groups."""
    found = _Options()
    pytest_addoption(cast("pytest.Parser", found))
    watch = "judge, and judge what failed again whenever a file of the target changes, until Ctrl-C"
    found.append(click.Option([WATCH], is_flag=True, help=watch))
    found.extend(_pytests())
    order = [name for names in GROUPS.values() for name in names]
    return sorted(found, key=lambda one: order.index(one.opts[0]) if one.opts[0] in order else len(order))


def write_groups(
    context: click.Context, formatter: click.HelpFormatter, options: Sequence[click.Parameter]
) -> None:
    """Write the help of options, a section for each group."""
    last = [*GROUPS][-1]
    grouped: dict[str, list[tuple[str, str]]] = {name: [] for name in GROUPS}
    for one in options:
        group = next((name for name, names in GROUPS.items() if one.opts[0] in names), last)
        if record := one.get_help_record(context):
            grouped[group].append(record)
    for name, records in grouped.items():
        with formatter.section(name):
            formatter.write_dl(records)
