"""`instance-sync fleet`: drives a running fleet over its control API.

Every command is derived from the declaration of an order, in `fake_instances.control.orders`. The fleet itself
explains what cannot be ordered.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click
import requests

from fake_instances.control.orders import ORDERS, Said
from fake_instances.faults import ALL
from harness.attach.http import request
from harness.cli.fleet_words import fault_lines, lines_of
from harness.cli.group import Commands, epilog
from harness.errors import HarnessError, TargetError
from harness.run.interruption import Interruption
from harness.wording import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fake_instances.control.orders import Declared

DEFAULT_CONTROL = "http://127.0.0.1:3100"
CONTROL_VARIABLE = "INSTANCE_SYNC_CONTROL"
_ANSWER_SECONDS, _FOLLOW_SECONDS, _COMPLETE_SECONDS = 60.0, 20, 0.5
_EXAMPLES = """\
  python -m fake_instances --incident &                   a fleet on 3001-3004, its control API on 3100
  instance-sync fleet status
  instance-sync fleet migrate webjs_1_1763798326_U9tUyl0b 3004 --silent
  instance-sync fleet migrate webjs_1_1763798326_U9tUyl0b 3003 --silent --after-answer-of 3004
  instance-sync fleet fault 3002 drip size=10 every=0.5 --endpoint health_detailed --times 2
  instance-sync fleet fault 3001 sends-then-fails by.kind=reset
  instance-sync fleet faults                              every kind of fault and what it takes
  instance-sync fleet clear 3002
  instance-sync fleet control-plane http://127.0.0.1:8000
  instance-sync fleet webhook webjs_1_1763798326_U9tUyl0b 3002 claim=http://evil.example
  instance-sync fleet journal --follow
"""


def values(words: Sequence[str]) -> dict[str, Any]:
    """Read parameters such as `size=10`, `html=null` or `by.kind=reset`. A value that is not JSON is text.

    Raises:
        BadParameter: a word has no equals sign, or a name is given twice.
    """
    read: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        *above, last = name.split(".")
        place = read
        for part in above:
            place = place.setdefault(part, {})
        if not equals or not all([*above, last]) or not isinstance(place, dict) or last in place:
            raise click.BadParameter(f"{word!r}: write each parameter once, as name=value, such as size=10")
        try:
            place[last] = json.loads(text)
        except ValueError:
            place[last] = text
    return read


def _parameter(name: str, schema: Mapping[str, Any], declared: Declared) -> click.Parameter:
    """Return how a field of an order is given on the command line."""
    field = declared.model.model_fields[name]
    said = next((one for one in field.metadata if isinstance(one, Said)), Said())
    kind = schema.get("type", "string")
    words = name.removesuffix("_id").removesuffix("_number").replace("_", "-")
    how: dict[str, Any] = {
        "metavar": {"integer": "N", "number": "NUMBER", "object": "NAME=VALUE"}.get(kind, words.upper()),
        "type": {"integer": click.INT, "number": click.FLOAT}.get(kind),
        "shell_complete": _COMPLETERS.get(words),
    }
    choices = schema.get("enum") or schema.get("items", {}).get("enum")
    if choices:
        how |= {"type": click.Choice(choices), "metavar": None}
    if kind == "object":
        read = _fault if name == "fault" else lambda words: values(words) or None
        how["callback"] = lambda _context, _param, words: read(words)
    explained = said.help or field.description or ""
    if field.is_required() or said.argument:
        how["metavar"] = how["metavar"] and (words.upper() if field.is_required() else f"[{words.upper()}]")
        if kind == "object":
            how |= {"nargs": -1, "metavar": "KIND [NAME=VALUE]..." if name == "fault" else "[NAME=VALUE]..."}
        return click.Argument([name], required=field.is_required(), help=explained, **how)
    if kind == "boolean":
        flag: dict[str, Any] = {
            "is_flag": True,
            "callback": (lambda _context, _param, value: not value) if said.opposite else None,
            "help": explained,
        }
        return click.Option([f"--{said.opposite or words}", name], **flag)
    several = kind in {"array", "object"}
    default = field.default.value if isinstance(field.default, Enum) else field.default
    return click.Option(
        [f"--{words.removesuffix('s') if several else words}", name],
        multiple=several,
        default=default,
        help=explained,
        **how,
    )


def _fault(words: Sequence[str]) -> dict[str, Any]:
    return {"kind": words[0], **values(words[1:])}


def _schemas(declared: Declared) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the JSON Schema of each field, without the null that stands for its absence."""
    schema = declared.model.model_json_schema()
    for name, one in schema.get("properties", {}).items():
        found = next((way for way in one.get("anyOf", ()) if way.get("type") != "null"), one)
        items = found.get("items", found)
        resolved = schema["$defs"][items["$ref"].rsplit("/", 1)[1]] if "$ref" in items else items
        yield name, {**found, "items": resolved} if "items" in found else resolved


def body_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an order from those of a command line, without what was left out."""
    return {
        name: list(one) if isinstance(one, tuple) else one
        for name, one in given.items()
        if one not in (None, ())
    }


class _SessionFirst(click.Command):
    """Takes the instance before the session too, as it once was."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first, second, *rest = [*args, "", ""]
        if first.isdecimal() and second and not second.isdecimal() and not second.startswith("-"):
            args = [second, first, *rest[:-2]]
        return super().parse_args(ctx, args)


def _command(declared: Declared) -> click.Command:
    def run(control: str, *, as_json: bool, follow: bool = False, **given: Any) -> None:
        order = body_of(given) | ({"wait": _FOLLOW_SECONDS} if follow else {})
        with Interruption().obeyed():
            while True:
                path = declared.path.format(**order)
                rest = {name: one for name, one in order.items() if name not in declared.in_path}
                answer = _call(control, declared.method, path, rest)
                shown = answer["entries"] if follow else [answer]
                for line in map(_json, shown) if as_json else lines_of(answer):
                    click.echo(visible(line))
                if not follow:
                    return
                order["after"] = answer["last"]

    parameters = [_parameter(name, schema, declared) for name, schema in _schemas(declared)]
    if declared.name == "journal":
        parameters.append(
            click.Option(["--follow"], is_flag=True, help="go on as entries are written, until Ctrl-C")
        )
    kind = _SessionFirst if declared.name == "webhook" else click.Command
    return kind(declared.name, callback=run, params=[*parameters, *_common()], help=declared.summary)


def _common() -> list[click.Option]:
    return [
        click.Option(
            ["--control"],
            default=DEFAULT_CONTROL,
            envvar=CONTROL_VARIABLE,
            show_envvar=True,
            metavar="URL",
            help="the fleet's control API",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="print what the control API answered"),
    ]


def _call(
    control: str, method: str, path: str, order: Mapping[str, Any], timeout: float = _ANSWER_SECONDS
) -> Any:
    query, body = (f"?{urlencode(order)}", None) if method == "GET" else ("", order)
    try:
        answer = request(method, f"{control.rstrip('/')}{path}{query}", patience=timeout, body=body)
        value = answer.json()
    except requests.exceptions.JSONDecodeError:
        raise _not_a_fleet(control) from None
    except requests.RequestException as problem:
        raise HarnessError(
            f"no fleet answers at {control} ({type(problem).__name__}); start one with python -m fake_instances, "
            f"or say where it is with --control or {CONTROL_VARIABLE}"
        ) from None
    if answer.ok:
        return value
    if not isinstance(value, dict) or value.keys() != {"error"}:
        raise _not_a_fleet(control)
    raise TargetError(value["error"])


def _not_a_fleet(control: str) -> HarnessError:
    return HarnessError(
        f"what answers at {control} is not the control API of a fleet; a fleet prints where that is when it starts"
    )


def _json(value: object) -> str:
    # Ascii alone: what an implementation sent may hold characters that a terminal obeys.
    return json.dumps(value)


@click.command("faults", params=_common())
def _faults(control: str, *, as_json: bool) -> None:
    """List every kind of fault and what it takes."""
    document = _call(control, "GET", "/openapi.json", {})
    lines = fault_lines(document["components"]["schemas"]["Fault"])
    click.echo(_json(document) if as_json else "\n".join(lines))


# What completes arguments in a shell: it asks the fleet, and leaves it at that where none answers soon.


def _instances(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    found = [str(one["number"]) for one in _asked(context, "/status").get("instances", ())]
    return [one for one in found if one.startswith(incomplete)]


def _sessions(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    found = {
        session["session_id"]
        for number in _instances(context, param, "")
        for session in _asked(context, f"/instances/{number}/sessions").get("sessions", ())
    }
    return sorted(one for one in found if one.startswith(incomplete))


def _kinds(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [] if context.params.get("fault") else [one for one in ALL if one.startswith(incomplete)]


def _asked(context: click.Context, path: str) -> dict[str, Any]:
    control = context.params.get("control") or DEFAULT_CONTROL
    try:
        answer: dict[str, Any] = _call(control, "GET", path, {}, _COMPLETE_SECONDS)
    except (HarnessError, TargetError):
        return {}
    return answer


_COMPLETERS = {
    "instance": _instances,
    "to": _instances,
    "after-answer-of": _instances,
    "session": _sessions,
    "fault": _kinds,
}
COMMANDS = {name: _command(one) for name, one in ORDERS.items()} | {"faults": _faults}
command = Commands(
    "fleet",
    {name: one.help or "" for name, one in COMMANDS.items()},
    COMMANDS.__getitem__,
    help="Drive a running fleet (python -m fake_instances) over its control API.",
    epilog=epilog("fleet", _EXAMPLES),
)
