"""`python -m tests.docs`: writes what is generated in the pages: whole ones, and what commands print."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from fake_instances.control.fault_values import fault_schemas
from fake_instances.faults import (
    ALL,
    ROUTES,
    Alteration,
    AnswerFault,
    Delay,
    Lie,
    Refuse,
    ResetOnAccept,
    SendLie,
    SendsThenFails,
    WebhookFault,
    WireFault,
)
from harness.catalogue import features as suite
from harness.catalogue.listing import chosen, requirements_markdown
from harness.cli.step_list import steps_markdown, themes
from harness.report.sections import SECTIONS_JSON
from tests.command_line_pages import command_line_page, exit_codes_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fake_instances.faults import Fault

DOCS = Path(__file__).parent.parent / "docs"
_PRINTED = re.compile(r"(<!-- printed by: (.+) -->\n\n)(?: {4}.*\n)*")
_SECTION = re.compile(r"^## (\d\. .+)$", re.MULTILINE)
_JUDGED_BY = re.compile(r"<sub>([A-Z]+-\d\d(?: · [A-Z]+-\d\d)*)</sub>")
SECTIONS = DOCS.parent / "features" / SECTIONS_JSON
COMMAND = "python -m tests.docs"
SESSION = "webjs_1_1763798326_U9tUyl0b"
EXAMPLES = {
    "refuse": "3002 refuse",
    "reset-on-accept": "3002 reset-on-accept --times 3",
    "hang": "3002 hang after=20 --endpoint session_list",
    "close": "3002 close --times 1",
    "reset": "3002 reset after=10 --endpoint health_detailed",
    "drip": "3002 drip size=10 every=0.5 --endpoint health_detailed",
    "truncate": "3002 truncate missing=5",
    "delay": "3002 delay seconds=1.5 --chance 0.3 --seed 7",
    "answer": "3002 answer status=429 --endpoint send",
    "broken-json": "3002 broken-json --times 2",
    "relabel": "3002 relabel content_type=text/plain",
    "redirect": "3002 redirect location=http://127.0.0.1:3003/ status=307",
    "padding": "3002 padding megabytes=20 --endpoint session_list",
    "lists": f"3002 lists session.session_id={SESSION} session.workspace_id=1 session.phone_number=null",
    "omits": f"3002 omits session_id={SESSION}",
    "misreports": f"3002 misreports session_id={SESSION} status=qr_scanning",
    "miscounts": "3002 miscounts total=9 connected=8",
    "deployed-dialect": "3002 deployed-dialect",
    "lists-nothing": "3002 lists-nothing",
    "answers-as": "3002 answers-as instance=3003",
    "denies-session": "3002 denies-session",
    "claims-sent": "3002 claims-sent",
    "answers-hollow": "3002 answers-hollow delivered=true",
    "sends-then-fails": "3002 sends-then-fails by.kind=reset",
    "lose-webhook": "3002 lose-webhook",
    "close-idle": "3002 close-idle --times 3",
    "keep-idle": "3002 keep-idle",
    "delay-webhook": "3002 delay-webhook seconds=5",
    "duplicate-webhook": "3002 duplicate-webhook copies=3 at_once=true",
    "hold-webhook": "3002 hold-webhook",
    "alter-webhook": "3002 alter-webhook alteration.claim=http://127.0.0.1:3004",
}
"""A line for `instance-sync fleet fault`, for each kind."""
UNITS = {
    "after": "bytes",
    "every": "seconds",
    "megabytes": "MB",
    "missing": "bytes",
    "seconds": "seconds",
    "size": "bytes",
}
"""What the numbers of faults are counted in, where it is not what their name says already."""
FAMILIES: tuple[tuple[str, str, tuple[type, ...]], ...] = (
    ("The listener", "Before any request is read.", (Refuse, ResetOnAccept)),
    ("The wire", "How an answer goes out, or not at all.", (WireFault,)),
    ("Time", "When an answer goes out.", (Delay,)),
    ("The answer", "Another answer than the true one.", (AnswerFault,)),
    ("Who holds a session", "Told alike on every route that can tell.", (Lie,)),
    ("What was sent", "Untruths about a message, on the route that sends.", (SendLie,)),
    ("Webhooks", "What goes wrong with one that the instance is about to send.", (WebhookFault,)),
)
_FAULTS = """\
# Faults

What a fake instance can be told to do wrong, by scenarios and by hand:

    python -m fake_instances --incident &
    instance-sync fleet fault 3002 hang --times 1
    instance-sync fleet clear 3002

A fault is in force until it is cleared, or for the next `--times N` requests. `--endpoint` says where, and may be
repeated; where it is armed without one stands below. `--session ID` has only requests meet it that name the session,
`--chance 0.3 --seed 7` only some, the same in every run. Values are written `name=value`, those of a value within
it `name.of=value`; a value is JSON where it can be read as such, and else text. The examples follow
`instance-sync fleet fault`.

A request meets every lie that is armed for it about who holds a session, and of each other family the oldest (a
webhook of each kind the oldest), so that faults compose: a lie, told late, in drips. One that swallows the request is
met alone. What happened is in the journal: `instance-sync fleet journal --kind FaultExecuted`. Over HTTP, on the
control port, it is `POST /faults` with `{"instance": 3002, "fault": {"kind": "hang"}}`.

"""
_REQUIREMENTS = """\
# Requirements

Revision {revision} of the catalogue, `features/requirements.toml`. A MUST that fails convicts, a SHOULD that fails is
listed, and SELF is what the harness proves about itself: no other implementation is judged by it. Ids never change.
The same at a terminal, with the place of each scenario: `instance-sync requirements`; `--json` for programs,
`--markdown` for a page like this one.

What an implementation is given, and what it serves: [the contract](contract.md).

"""
_STEPS = """\
# Steps

Every step that a feature can be written with; [own scenarios](own-scenarios.md) shows how. `{a name}` stands for a
value, and what is in brackets can be left out; the words that a value can be are listed with it. An instance is named
by its number, 3001 to 3004, wherever it listens. At a terminal: `instance-sync steps`, or with words,
`instance-sync steps row assigned`.

"""


def faults_page() -> Iterator[str]:
    """Return the page of faults, from their classes and their schema."""
    schemas = fault_schemas()
    by_kind = {one["properties"]["kind"]["const"]: one for one in schemas["Fault"]["oneOf"]}
    yield from _FAULTS.splitlines()
    for title, about, classes in FAMILIES:
        yield from (f"## {title}", "", about, "")
        yield from ("| kind | what it does | values | armed on | example |", "|---|---|---|---|---|")
        for kind, fault in ALL.items():
            if issubclass(fault, classes):
                cells = (
                    f"`{kind}`",
                    _paragraph(fault),
                    "<br>".join(_values(by_kind[kind], schemas)) or "none",
                    _places(fault),
                    f"`{EXAMPLES[kind]}`",
                )
                yield f"| {' | '.join(cells)} |"
        yield ""
    yield from ("## An alteration", "", _paragraph(Alteration), "")
    yield from ("| value | meaning | type, default |", "|---|---|---|")
    told = _meanings(Alteration)
    for name, schema in schemas["Alteration"]["properties"].items():
        yield f"| `{name}` | {told[name]} | {_type(schema, schemas)} |"
    yield ""
    yield "[A fleet by hand](fleet.md). Steps that arm them: [steps](steps.md#instances)."


def requirements_page() -> Iterator[str]:
    """Return the page of requirements, from the catalogue and the feature files."""
    catalogue = suite.catalogue()
    yield from _REQUIREMENTS.format(revision=catalogue.revision).splitlines()
    yield from requirements_markdown(chosen(catalogue, (), ()), suite.read_suite(suite.features_root()))


def steps_page() -> Iterator[str]:
    """Return the page of steps, from their definitions."""
    yield from _STEPS.splitlines()
    yield from steps_markdown(themes())


def contract_sections() -> str:
    """Return which requirements judge each sentence of the contract, as the harness reads it."""
    found = []
    parts = _SECTION.split((DOCS / "contract.md").read_text("utf-8"))[1:]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        # The sections that bind an implementation.
        if title[0] in "123456" and (sentences := [one.split(" · ") for one in _JUDGED_BY.findall(body)]):
            found.append(json.dumps({"title": title, "sentences": sentences}))
    return "[\n" + ",\n".join(found) + "\n]\n"


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "command-line.md": command_line_page,
    "exit-codes.md": exit_codes_page,
    "faults.md": faults_page,
    "requirements.md": requirements_page,
    "steps.md": steps_page,
}


def generated(name: str) -> str:
    """Return a page as it should be."""
    return "\n".join(PAGES[name]()).rstrip() + "\n"


def pages_with_output() -> dict[Path, str]:
    """Return the pages that show what a command prints, with their text."""
    pages = sorted([*DOCS.parent.glob("*.md"), *DOCS.glob("*.md")])
    return {path: text for path in pages if _PRINTED.search(text := path.read_text("utf-8"))}


def as_printed(page: str) -> str:
    """Return a page with each block below `<!-- printed by: COMMAND -->` as the command prints it now."""
    return _PRINTED.sub(lambda found: found[1] + textwrap.indent(_output(found[2]), "    "), page)


def main() -> int:
    """Write every page, and report which was out of date."""
    pages = {DOCS / name: generated(name) for name in PAGES}
    pages[SECTIONS] = contract_sections()
    pages |= {path: as_printed(text) for path, text in pages_with_output().items()}
    for path, text in pages.items():
        stale = not path.is_file() or path.read_text("utf-8") != text
        path.write_text(text, "utf-8")
        sys.stdout.write(f"{path.relative_to(DOCS.parent)}: {'written anew' if stale else 'as it was'}\n")
    return 0


def _output(command: str) -> str:
    """Return what a shell command prints in this checkout, with the programs of this environment."""
    environment = {name: one for name, one in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    run = subprocess.run(
        command, shell=True, cwd=DOCS.parent, env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout


def _paragraph(documented: Any) -> str:
    return " ".join((inspect.getdoc(documented) or "").split())


def _values(schema: Mapping[str, Any], schemas: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for name, one in schema["properties"].items():
        if name == "kind":
            continue
        if parts := schemas.get(one.get("$ref", "").rpartition("/")[2], {}).get("properties"):
            if parts.keys() != {part.name for part in fields(Alteration)}:
                yield from _values(schemas[one["$ref"].rpartition("/")[2]], schemas, f"{name}.")
            else:
                yield f"`{name}.…`: see [below](#an-alteration), must be given"
        else:
            needed = name in schema.get("required", ())
            yield f"`{within}{name}`: {_type(one, schemas, UNITS.get(name, ''), needed=needed)}"


def _type(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], unit: str = "", *, needed: bool = False
) -> str:
    kind = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), schema)
    words = [_name(kind, schemas)]
    low = kind.get("minimum", kind.get("exclusiveMinimum"))
    if low is not None:
        words.append("more than" if "exclusiveMinimum" in kind else "")
        words.append(f"{low:,}" + (f" to {kind['maximum']:,}" if "maximum" in kind else " up"))
    words.append(unit)
    if needed:
        return f"{' '.join(filter(None, words))}, must be given"
    return f"{' '.join(filter(None, words))}, default {_default(schema)}"


def _name(kind: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    if "$ref" in kind:
        return ", ".join(f"`{value}`" for value in schemas[kind["$ref"].rpartition("/")[2]]["enum"])
    if kind.get("type") == "object":
        known = {fault: name for name, fault in ALL.items()}
        return ", ".join(f"`{known[one]}`" for one in get_type_hints(SendsThenFails)["by"].__args__)
    names = {"string": "text", "integer": "number", "boolean": "`true` or `false`", "array": "list"}
    return names.get(kind["type"], kind["type"])


def _default(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "object":
        return "`by.kind=hang`"
    value = schema["default"]
    return "none" if value in (None, []) else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _places(fault: type[Fault]) -> str:
    usual = _list(fault.usual)
    more = fault.endpoints - fault.usual
    return usual + (f"; also {_list(more)}" if more else "")


def _list(endpoints: frozenset[Any]) -> str:
    return "every route" if endpoints == ROUTES else ", ".join(f"`{one.value}`" for one in sorted(endpoints))


def _meanings(documented: type) -> dict[str, str]:
    """Return the texts below the fields of a class."""
    body = ast.parse(inspect.getsource(documented)).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: text.value.value.replace("\n", " ")
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


if __name__ == "__main__":
    sys.exit(main())
