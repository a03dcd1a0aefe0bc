"""The catalogue as it stands, its loader's errors, and the matching of scenarios' tags with it."""

import re
from collections import Counter
from pathlib import Path

import pytest

from harness.catalogue.requirements import (
    Catalogue,
    CatalogueError,
    Level,
    Profile,
    Requirement,
    closest,
    is_requirement_id,
    load_catalogue,
    unknown_tags,
)
from tests.harness.support import catalogue as made_up

FILE = Path(__file__).parents[3] / "features" / "requirements.toml"
REAL = load_catalogue(FILE)

# By profile: how many requirements are MUST, SHOULD and of level self.
COUNTS = {
    "core": (38, 10, 2),
    "security": (10, 6, 1),
    "resilience": (9, 15, 0),
    "health-check": (9, 4, 0),
    "monitoring": (6, 4, 0),
    "instance": (7, 1, 0),
}
SELF = {"TIMELINE-02", "TIMELINE-03", "AUTH-10"}


def test_no_requirement_is_lost_or_changes_its_level_unnoticed() -> None:
    counted = Counter((str(one.profile), one.level) for one in REAL.values())

    assert {name: tuple(counted[name, level] for level in Level) for name in Profile} == COUNTS
    assert {id_ for id_, one in REAL.items() if not one.judged} == SELF
    assert len(REAL) == 122


def test_the_words_are_one_sentence_that_fits_a_table() -> None:
    for id_, requirement in REAL.items():
        words = requirement.words
        assert words.endswith("."), id_
        assert not re.search(r"\. [A-Z]", words), f"{id_} has two sentences"
        assert not re.search(r"[|`]|  |\n", words), f"{id_} would not survive a Markdown table"
        assert set(re.findall(r"[A-Z]+-\d\d", words)) <= set(REAL), f"{id_} refers to an unknown id"
    assert len({requirement.words for requirement in REAL.values()}) == len(REAL)
    assert max(map(len, FILE.read_text(encoding="utf-8").splitlines())) <= 110


ENTRY = """
[[requirement]]
id = "SCAN-01"
level = "must"
profile = "core"
words = "It is found."
source = ["field"]
"""
GOOD = "revision = 1\n" + ENTRY


def test_an_entry_is_read_as_written(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(GOOD.replace('"must"', '"self"\ntest = "x.py::test_it"'), "utf-8")

    words = "It is found."
    one = Requirement("SCAN-01", Level.SELF, Profile.CORE, words, ("field",), "x.py::test_it")
    assert load_catalogue(tmp_path / "r.toml") == Catalogue(1, (one,))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "source =",
            "sources =",
            "entry 1 (SCAN-01): source: Field required; entry 1 (SCAN-01): sources: Unexp",
        ),
        ("revision = 1", "revision = 1\nqqq = 2", "qqq: "),
        ("revision = 1", "revision = 0", "revision: "),
        ("revision = 1", "revision = true", "revision: "),
        (ENTRY, "", "there is no [[requirement]]"),
        (ENTRY, "requirement = [1]", "entry 1 (1): "),
        (ENTRY, "requirement = 1", "requirements: "),
        ('"must"', '"MUST"', "entry 1 (SCAN-01): level: Input should be 'must', 'should' or 'self'"),
        ('"core"', '"xyz"', "entry 1 (SCAN-01): profile: Input should be 'core', "),
        ('"SCAN-01"', '"SCAN-1"', "entry 1 (SCAN-1): id: "),
        ('id = "SCAN-01"\n', "", "entry 1 (without an id): id: Field required"),
        (ENTRY, ENTRY + ENTRY, "SCAN-01: more than one requirement has this id"),
        (ENTRY, ENTRY + 'test = "x.py::test_it"\n', "test: only of level self; scenarios prove the others"),
        ('"It is found."', '"It\\nis"', "entry 1 (SCAN-01): words: "),
        ('"It is found."', '""', "entry 1 (SCAN-01): words: "),
        ('["field"]', "[]", "entry 1 (SCAN-01): source: "),
        ('["field"]', '["field", ""]', "entry 1 (SCAN-01): source: 1: "),
        ("requirement]]", "requirement", "is not valid TOML: "),
    ],
)
def test_an_error_names_the_file_the_entry_and_the_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = tmp_path / "requirements.toml"
    file.write_text(GOOD.replace(old, new), encoding="utf-8")

    with pytest.raises(CatalogueError) as raised:
        load_catalogue(file)

    assert str(raised.value).startswith(f"{file}: ")
    assert message in str(raised.value)


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(GOOD.replace("found", "gefällt").encode("latin-1"))

    with pytest.raises(CatalogueError, match=r"latin\.toml: is not valid TOML: 'utf-8' codec"):
        load_catalogue(tmp_path / "latin.toml")
    with pytest.raises(CatalogueError, match=r"nowhere\.toml: cannot be read: No such file"):
        load_catalogue(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("tag", ["SCAN-01", "HEALTH-10", "NEW-99"])
def test_what_has_the_form_of_an_id(tag: str) -> None:
    assert is_requirement_id(tag)


@pytest.mark.parametrize(
    "tag",
    ["", "scan-01", "SCAN-1", "SCAN-001", "SCAN_01", "@SCAN-01", "SCAN-01\n", "SCAN-\u0660\u0661", "-01"],
)
def test_what_does_not_have_the_form_of_an_id(tag: str) -> None:
    assert not is_requirement_id(tag)


@pytest.mark.parametrize(
    ("name", "meant"), [("SCAN-1", "SCAN-01"), ("scan-01", "SCAN-01"), ("SENT-02", "SEND-02"), ("x", None)]
)
def test_the_closest_is_the_one_probably_meant(name: str, meant: str | None) -> None:
    assert closest(name, ["SEND-02", "SCAN-01"]) == meant


def test_tags_without_requirements_are_found() -> None:
    unknown = unknown_tags(
        made_up(SCAN_01="must", SCAN_02="should", SCAN_03="must", SCAN_04="self"),
        {
            "one": ["SCAN-02", "SCAN-99", "scan-01", "slow", "security", "instance-3002", "health-check"],
            "two": ["SCAN-99", "SCAN_01", "SCAN-1"],
        },
    )

    assert unknown == {
        "SCAN-1": ("two",),
        "SCAN-99": ("one", "two"),
        "SCAN_01": ("two",),
        "scan-01": ("one",),
    }
