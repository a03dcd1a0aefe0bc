"""Writes docs/command-line.md and docs/exit-codes.md from the commands and the table of exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fake_instances.control.orders import ORDERS
from harness.cli import fleet
from harness.cli.main import COMMANDS, instance_sync
from harness.exit_codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMMAND_LINE = """\
# The command line

`instance-sync --help` lists the commands, and each has `--help` with examples and its exit codes:
[exit codes](exit-codes.md). Everything below is written from the commands themselves.

## Completion in your shell

Put one line into the file that your shell reads when it starts. Then Tab completes commands and options, and also
targets, requirements, profiles and kinds of fault. While a fleet runs, it completes instances and sessions too.

| shell | file | line |
|---|---|---|
| bash | `~/.bashrc` | `eval "$(_INSTANCE_SYNC_COMPLETE=bash_source instance-sync)"` |
| zsh | `~/.zshrc` | `eval "$(_INSTANCE_SYNC_COMPLETE=zsh_source instance-sync)"` |
| fish | `~/.config/fish/config.fish` | `_INSTANCE_SYNC_COMPLETE=fish_source instance-sync \\| source` |

"""
_FLEET = """\
Every command is one order over HTTP, which any program can give: `/openapi.json` on the control port describes them.
Fields that are not in the path go into the query of a GET, and into a JSON body otherwise. Every kind of fault and
what it takes: [faults](faults.md).

| command | what it does | over HTTP |
|---|---|---|
"""
_EXIT_CODES = """\
# Exit codes

The verdict of `instance-sync verify` and of `pytest features/` is their exit code. Where another command can end with
the same code, it means the same.

"""
_NOTES = """\

- `--help` ends with 0, and an unknown command or option with 4.
- `--list` ends with 0 if there is something to list: nothing was judged.
- A filter (`--profile`, `--requirement`, `--level`, `-k`) that leaves out a claimed MUST makes 2 of what would be 0.
  A failure is 1 all the same. In CI, judge all that is claimed.
- With a suite of [your own scenarios](own-scenarios.md), requirements without a scenario in it are not judged: 2 for
  a run in which nothing failed.
- `compare` returns the worst of those compared: 3, then 1, then 2.
- `python -m fake_instances` ends with 0 after SIGTERM, 130 after Ctrl-C, 4 when it cannot start as asked.
- `make` turns each code but 0 into 2.

See also: [verdicts](contract.md#8-what-is-judged-and-the-verdict), [the command line](command-line.md),
[in your CI](ci.md).
"""


def command_line_page() -> Iterator[str]:
    """Return the page of the command line."""
    yield from _COMMAND_LINE.splitlines()
    root = click.Context(instance_sync, info_name="instance-sync", show_default=True)
    for name, summary in COMMANDS.items():
        command = instance_sync.get_command(root, name)
        assert command is not None
        yield from (f"## {name}", "", summary, "")
        if isinstance(command, click.Group):
            yield from _fleet(click.Context(command, root, "fleet"))
        else:
            yield from (f"    {_usage(command, root, name)}", "")
            yield from _parameters([("", command)], root)
        yield ""


def exit_codes_page() -> Iterator[str]:
    """Return the page of exit codes."""
    yield from _EXIT_CODES.splitlines()
    commands = [*MEANINGS]
    for some in (commands[:3], commands[3:]):
        yield f"| code | {' | '.join(f'`{one}`' for one in some)} |"
        yield f"|---|{'---|' * len(some)}"
        codes = sorted({code for one in some for code in MEANINGS[one]})
        yield from (
            f"| {code} | {' | '.join(MEANINGS[one].get(code, '') for one in some)} |" for code in codes
        )
        yield ""
    yield from _NOTES.lstrip().splitlines()


def _fleet(context: click.Context) -> Iterator[str]:
    yield from _FLEET.splitlines()
    for name, command in fleet.COMMANDS.items():
        order = ORDERS.get(name)
        route = f"{order.method} {order.path}" if order else "GET /openapi.json"
        words = [part for part in command.collect_usage_pieces(click.Context(command)) if part != "[OPTIONS]"]
        yield f"| `{_cell(' '.join([name, *words]))}` | {command.help} | `{route}` |"
    yield ""
    yield from _parameters([*fleet.COMMANDS.items()], context)


def _parameters(commands: Sequence[tuple[str, click.Command]], parent: click.Context) -> Iterator[str]:
    """Return a table of what commands take; what all of several take is listed once."""
    of: dict[tuple[str, str], list[str]] = {}
    for name, command in commands:
        for one in command.params:
            if record := one.get_help_record(click.Context(command, parent, name)):
                of.setdefault(record, []).append(name)
    if not of:
        return
    several = len(commands) > 1
    yield f"| {'of | ' if several else ''}argument or option | |"
    yield f"|---|{'---|' if several else ''}---|"
    for (written, words), names in of.items():
        whose = "all" if len(names) == len(commands) else ", ".join(f"`{name}`" for name in names)
        yield f"| {f'{whose} | ' if several else ''}`{_cell(written)}` | {_cell(words)} |"


def _usage(command: click.Command, root: click.Context, name: str) -> str:
    context = click.Context(command, root, name)
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
