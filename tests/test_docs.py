"""The pages say what the code does: generated ones are up to date, links lead somewhere, options exist."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest

from fake_instances.control.orders import FaultOrder
from fake_instances.faults import ALL, ArmedFault, FaultBook
from harness.cli import fleet
from harness.cli import main as cli
from tests import docs
from tests.mutants.machinery import kill_matrix

if TYPE_CHECKING:
    from pathlib import Path

ROOT = docs.DOCS.parent
PAGES = sorted([*ROOT.glob("*.md"), *docs.DOCS.glob("*.md")])
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_COMMANDS = re.compile(r"\b(instance-sync [a-z]+|pytest|make kill-matrix)\b(?! \|)([^\n|;&]*)")


@cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def prose(name: str) -> str:
    """Return a page without its blocks of code."""
    return _INDENTED.sub("", _FENCE.sub("", text_of(name)))


def anchors(name: str) -> set[str]:
    """Return what can follow # in a link to a page, as forges make it from its headings."""
    titles = [re.sub(r"[`*\[\]]|\([^)]*\)", "", one).lower() for one in _HEADING.findall(prose(name))]
    return {re.sub(r"[^\w\- ]", "", one).strip().replace(" ", "-") for one in titles}


def code_of(name: str) -> list[str]:
    """Return every line of code of a page: blocks line by line, with continued ones joined, and spans."""
    text = text_of(name)
    blocks = [*_FENCE.findall(text), *_INDENTED.findall(_FENCE.sub("", text))]
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", " ", block).splitlines()]
    return lines + [one.replace("\n", " ") for one in _SPAN.findall(_FENCE.sub("", text))]


@cache
def help_of(command: str) -> str:
    match command.split():
        case ["make", "kill-matrix"]:
            return kill_matrix._parser().format_help()
        case ["instance-sync", *of_it] if of_it != ["verify"]:
            with contextlib.redirect_stdout(io.StringIO()) as told:
                assert cli.main([*of_it, "--help"]) == 0
            return told.getvalue()
        case ["instance-sync", "verify"]:
            with contextlib.redirect_stdout(io.StringIO()) as told:
                assert cli.main(["verify", "--help"]) == 0
            return told.getvalue() + help_of("pytest")
        case ["pytest"]:
            words = ["-m", "pytest"]
        case [_, *words]:
            pass
    run = subprocess.run(
        [sys.executable, *words, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout


@pytest.mark.parametrize("name", sorted(docs.PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    written = (docs.DOCS / name).read_text("utf-8")
    assert written == docs.generated(name), f"docs/{name} is out of date: run `{docs.COMMAND}` and commit it"


def test_the_sections_of_the_contract_are_as_its_page_has_them() -> None:
    assert docs.SECTIONS.read_text("utf-8") == docs.contract_sections(), f"run `{docs.COMMAND}` and commit it"


def test_the_readme_stays_a_landing_page() -> None:
    assert (ROOT / "README.md").stat().st_size <= 6 * 1024, "what it says at length belongs in docs/"


@pytest.mark.parametrize("path", docs.pages_with_output(), ids=lambda path: path.name)
def test_a_page_shows_what_a_command_prints(path: Path) -> None:
    written = path.read_text("utf-8")
    assert written == docs.as_printed(written), f"{path} is out of date: run `{docs.COMMAND}` and commit it"


@pytest.mark.parametrize("kind", sorted(ALL))
def test_the_example_of_a_fault_can_be_ordered(kind: str) -> None:
    given = fleet.COMMANDS["fault"].make_context("fault", shlex.split(docs.EXAMPLES[kind])).params

    ordered = FaultOrder.model_validate(
        {name: one for name, one in fleet.body_of(given).items() if name in FaultOrder.model_fields}
    )

    FaultBook().arm(
        ArmedFault(
            1,
            ordered.fault,
            ordered.endpoints or type(ordered.fault).usual,
            remaining=ordered.times,
            session_id=ordered.session_id,
            chance=ordered.chance,
            seed=ordered.seed,
        )
    )
    assert type(ordered.fault) is ALL[kind]


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    lost = []
    for link in _LINK.findall(prose(name)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        path = ((ROOT / name).parent / file).resolve() if file else ROOT / name
        known = path.exists() and (not anchor or anchor in anchors(path.relative_to(ROOT).as_posix()))
        lost += [] if known else [link]
    assert lost == []


def test_every_option_named_exists() -> None:
    # One test: among several workers each would ask every command for its help.
    unknown = []
    for name in NAMES:
        for line in code_of(name):
            for command, arguments in _COMMANDS.findall(line):
                unknown += [f"{name}: {one}" for one in _unknown_options(command, arguments)]
    assert unknown == []
    commands = (
        "instance-sync verify",
        "instance-sync fleet",
        "instance-sync doctor",
        "instance-sync reproduce",
    )
    commands += ("instance-sync compare", "instance-sync init", "instance-sync requirements")
    commands += ("instance-sync explain", "instance-sync explore", "instance-sync frontier")
    commands += ("make kill-matrix", "python -m fake_instances")
    commands += tuple(f"instance-sync fleet {name}" for name in fleet.command.summaries)
    known = {option for command in commands for option in _OPTION.findall(help_of(command))}
    known |= {"--help", "--all"}
    by_themselves = [(name, span) for name in NAMES for span in code_of(name) if span.startswith("--")]
    assert [(name, span) for name, span in by_themselves if not set(_OPTION.findall(span)) <= known] == []


def _unknown_options(command: str, arguments: str) -> list[str]:
    known = command
    if command == "instance-sync fleet" and (word := re.match(r" ([a-z-]+)", arguments)):
        known = f"{command} {word[1]}"
    own, _, handed_on = arguments.split("#", maxsplit=1)[0].partition(" -- ")
    found = [(known, one) for one in _OPTION.findall(own)]
    found += [("instance-sync verify", one) for one in _OPTION.findall(handed_on)]
    return [
        f"{command} {option}"
        for command, option in found
        if not re.search(rf"(?<![\w-]){option}(?![\w-])", help_of(command))
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_named_exists(name: str) -> None:
    named = {command for line in code_of(name) for command, _ in _COMMANDS.findall(line)}
    commands = help_of("instance-sync")
    wrong = [
        one
        for one in named - {"pytest", "make kill-matrix"}
        if not re.search(rf"^ +{one.split()[1]}\b", commands, re.MULTILINE)
    ]
    assert wrong == []
