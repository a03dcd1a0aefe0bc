"""Nothing in the contract binds an implementation unless something judges it, or the page says why not."""

from __future__ import annotations

import re

import pytest

from harness.catalogue.requirements import Profile, load_catalogue
from tests.docs import DOCS

CATALOGUE = load_catalogue(DOCS.parent / "features" / "requirements.toml")
CONTRACT = (DOCS / "contract.md").read_text("utf-8")
BINDING = ("1", "2", "3", "4", "5", "6")
"""The numbers of the sections whose every sentence says what judges it."""
MARK = re.compile(r"<sub>([^<]+)</sub>")
ID = re.compile(r"[A-Z]+-\d\d")
_RULE = re.compile(r"^\|[-| ]+\|$")
_TITLE = re.compile(r"^\*\*[^*]+\*\*$")
_CODE = re.compile(r"`[^`]*`")
_END = re.compile(r"[.!?:]?[.!?]\s+(?=\W*[A-Z0-9])")
"""Where one sentence ends and another begins, in text whose code was taken out."""


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
    """Return the sentences that are not followed by what judges them, or by why nothing does."""
    wrong = []
    for one in statements(markdown):
        *sentences, rest = MARK.split(one)
        for told, mark in zip(sentences[::2], sentences[1::2], strict=True):
            alone = not _END.search(_CODE.sub("Code", told.strip()))
            if not (alone and _tells(" ".join(mark.split()))):
                wrong.append(told)
        if rest.strip().strip("|."):
            wrong.append(rest)
    return wrong


def _tells(mark: str) -> bool:
    """Return whether a mark says what judges a sentence, or why nothing does."""
    listed = all(ID.fullmatch(part) for part in mark.split(" · "))
    return listed or mark == "given by the harness" or mark.startswith("not judged: ")


def test_every_binding_sentence_says_what_judges_it() -> None:
    assert not unmarked(CONTRACT), "after each write <sub>IDS</sub>, or <sub>not judged: why</sub>"


@pytest.mark.parametrize(
    "statement",
    [
        "It must.",
        "- It must.",
        "| a | b |\n|---|---|\n| it | must |",
        "It must. <sub>soon</sub>",
        "It must. So must that. <sub>AUTH-01</sub>",
        "It must. `that` must. <sub>AUTH-01</sub>",
        "It must. <sub>AUTH-01</sub> So must that.",
        "| a | b |\n|---|---|\n| it | must. So must that <sub>AUTH-01</sub> |",
    ],
    ids=[
        "a paragraph",
        "an item",
        "a row",
        "a mark that says nothing",
        "the first of two that share a mark",
        "the first of two, the second begins with code",
        "the last of two",
        "the first of two in a row",
    ],
)
def test_a_sentence_that_nothing_judges_is_noticed(statement: str) -> None:
    assert len(unmarked(f"# A\n\n## 1. B\n\n{statement}\n")) == 1


def test_only_requirements_that_exist_are_named() -> None:
    named = {one for mark in MARK.findall(CONTRACT) for one in ID.findall(mark)}
    assert named <= set(CATALOGUE)


def test_every_requirement_of_a_control_plane_is_in_the_contract() -> None:
    named = {one for mark in MARK.findall(CONTRACT) for one in ID.findall(mark)}
    judged = {one.id for one in CATALOGUE.values() if one.judged and one.profile is not Profile.INSTANCE}
    assert not judged - named, "docs/contract.md says nowhere what these judge"
