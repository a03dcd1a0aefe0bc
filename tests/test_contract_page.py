"""Nothing in the contract binds an implementation unless something judges it, or the page says why not."""

from __future__ import annotations

import re

import pytest

from harness.catalogue.requirements import Profile, load_catalogue
from tests.docs import DOCS

CATALOGUE = load_catalogue(DOCS.parent / "features" / "requirements.toml")
CONTRACT = (DOCS / "contract.md").read_text("utf-8")
BINDING = ("1", "2", "3", "4", "5", "6")
"""The numbers of the sections whose every statement says what judges it."""
MARK = re.compile(r"<sub>([^<]+)</sub>")
ID = re.compile(r"[A-Z]+-\d\d")
_RULE = re.compile(r"^\|[-| ]+\|$")
_TITLE = re.compile(r"^\*\*[^*]+\*\*$")


def statements(markdown: str) -> list[str]:
    """Return each paragraph, item and row of the binding sections, without headings and blocks of code."""
    found = []
    for section in re.split(r"^## ", markdown, flags=re.MULTILINE)[1:]:
        if section[0] not in BINDING:
            continue
        body = section.partition("\n")[2]
        for block in re.split(r"\n\s*\n", body):
            lines = [line for line in block.splitlines() if line.strip() and not line.startswith("    ")]
            if lines and lines[0].startswith("|"):
                rows = [line for line in lines if not _RULE.match(line)]
                found += rows[1:]
            else:
                items = re.split(r"^- ", "\n".join(lines), flags=re.MULTILINE)
                found += [one.strip() for one in items if one.strip() and not _TITLE.match(one.strip())]
    return found


def unmarked(markdown: str) -> list[str]:
    """Return the statements that do not end with what judges them, or with why nothing does."""
    wrong = []
    for one in statements(markdown):
        mark = MARK.search(one)
        end = one.removesuffix("|").rstrip()
        told = "" if mark is None else " ".join(mark[1].split())
        listed = all(ID.fullmatch(part) for part in told.split(" · "))
        reasoned = told == "given by the harness" or told.startswith("not judged: ")
        if not (end.endswith("</sub>") and (listed or reasoned)):
            wrong.append(one)
    return wrong


def test_every_binding_statement_says_what_judges_it() -> None:
    assert not unmarked(CONTRACT), "end each with <sub>IDS</sub>, or <sub>not judged: why</sub>"


@pytest.mark.parametrize(
    "statement",
    ["It must.", "- It must.", "| a | b |\n|---|---|\n| it | must |", "It must. <sub>soon</sub>"],
    ids=["a paragraph", "an item", "a row", "a mark that says nothing"],
)
def test_a_statement_that_nothing_judges_is_noticed(statement: str) -> None:
    assert len(unmarked(f"# A\n\n## 1. B\n\n{statement}\n")) == 1


def test_only_requirements_that_exist_are_named() -> None:
    named = {one for mark in MARK.findall(CONTRACT) for one in ID.findall(mark)}
    assert named <= set(CATALOGUE)


def test_every_requirement_of_a_control_plane_is_in_the_contract() -> None:
    named = {one for mark in MARK.findall(CONTRACT) for one in ID.findall(mark)}
    judged = {one.id for one in CATALOGUE.values() if one.judged and one.profile is not Profile.INSTANCE}
    assert not judged - named, "docs/contract.md says nowhere what these judge"
