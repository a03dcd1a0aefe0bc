"""The catalogue as it stands, and its loader's errors by their words."""

import re
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
)

FILE = Path(__file__).parents[3] / "features" / "requirements.toml"

# The whole catalogue, revision 1, written out a second time so that no entry can be lost or changed unnoticed.
FAMILIES = {
    "TIMELINE": 3,
    "MANUAL": 2,
    "WEBHOOK": 15,
    "AUTH": 11,
    "SPOOF": 8,
    "VERIFY": 12,
    "SCAN": 11,
    "SEND": 11,
    "HEALTH": 10,
    "MONITOR": 9,
    "INSTANCE": 8,
}
SELF = {"TIMELINE-02", "TIMELINE-03", "AUTH-10"}
SHOULD_NUMBERS = {
    "WEBHOOK": [11, 12, 14, 15],
    "AUTH": [9, 11],
    "SPOOF": [4, 7, 8],
    "VERIFY": [8, 9, 10, 12],
    "SCAN": [7, 8, 9, 10, 11],
    "SEND": [10, 11],
    "HEALTH": [7, 8, 9],
    "MONITOR": [7, 8, 9],
    "INSTANCE": [6],
}
SHOULD = {f"{family}-{number:02}" for family, numbers in SHOULD_NUMBERS.items() for number in numbers}
# From which number on a family has which profile.
PROFILES = {
    "TIMELINE": {1: "core"},
    "MANUAL": {1: "core"},
    "WEBHOOK": {1: "core"},
    "AUTH": {1: "core", 5: "security"},
    "SPOOF": {1: "security"},
    "VERIFY": {1: "core", 8: "resilience"},
    "SCAN": {1: "core", 7: "resilience"},
    "SEND": {1: "core", 3: "resilience"},
    "HEALTH": {1: "health-check"},
    "MONITOR": {1: "monitoring"},
    "INSTANCE": {1: "instance"},
}
SOURCES = {
    "document: Problem Statement",
    "document: Solution 1: auto-sync on webhook",
    "document: Solution 2: verification before send",
    "document: Solution 3: X-Instance-Url header",
    "document: Testing",
    "document: Impact",
    "document: Prevention 3",
    "document: Monitoring",
    "document: Alerting",
    "document: Deployment",
    "field",
    "design",
    "common sense",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(FILE)


def test_the_catalogue_has_every_family_whole_and_in_order(catalogue: Catalogue) -> None:
    order = [f"{family}-{number:02}" for family, count in FAMILIES.items() for number in range(1, count + 1)]
    # The one entry that does not stand by its number: what is proven of the reference comes last in its family.
    order.remove("AUTH-10")
    order.insert(order.index("AUTH-11") + 1, "AUTH-10")

    assert catalogue.revision == 1
    assert list(catalogue) == order
    assert len(catalogue) == 100


def test_every_level_is_as_agreed(catalogue: Catalogue) -> None:
    by_level = {
        level: {id_ for id_, requirement in catalogue.items() if requirement.level is level}
        for level in Level
    }

    assert by_level == {
        Level.SELF: SELF,
        Level.SHOULD: SHOULD,
        Level.MUST: set(catalogue) - SELF - SHOULD,
    }


def test_every_profile_is_as_agreed(catalogue: Catalogue) -> None:
    expected = {}
    for id_ in catalogue:
        family, number = id_.split("-")
        starts = PROFILES[family]
        expected[id_] = starts[max(start for start in starts if start <= int(number))]

    assert {id_: requirement.profile for id_, requirement in catalogue.items()} == expected


def test_only_requirements_of_level_self_are_not_judged(catalogue: Catalogue) -> None:
    assert {id_ for id_, requirement in catalogue.items() if not requirement.judged} == SELF


def test_the_words_are_one_sentence_that_fits_a_table(catalogue: Catalogue) -> None:
    for id_, requirement in catalogue.items():
        words = requirement.words
        assert words.endswith("."), id_
        assert not re.search(r"\. [A-Z]", words), f"{id_} has two sentences"
        assert not re.search(r"[|`]|  |\n", words), f"{id_} would not survive a Markdown table"
        assert set(re.findall(r"[A-Z]+-\d+", words)) <= set(catalogue), f"{id_} refers to an unknown id"
    assert len({requirement.words for requirement in catalogue.values()}) == len(catalogue)


def test_every_source_is_a_known_one_and_each_is_used(catalogue: Catalogue) -> None:
    assert {source for requirement in catalogue.values() for source in requirement.source} == SOURCES


def test_the_file_keeps_to_the_line_length_of_the_house() -> None:
    assert max(map(len, FILE.read_text(encoding="utf-8").splitlines())) <= 110


def test_an_entry_is_read_as_written(catalogue: Catalogue) -> None:
    assert catalogue["SCAN-06"] == Requirement(
        id="SCAN-06",
        level=Level.MUST,
        profile=Profile.CORE,
        words="A scan that fails never changes a row that was correct.",
        source=("field",),
    )


def test_a_catalogue_is_looked_up_by_id(catalogue: Catalogue) -> None:
    assert "SCAN-01" in catalogue
    assert "SCAN-99" not in catalogue
    with pytest.raises(KeyError, match="SCAN-99"):
        catalogue["SCAN-99"]


def test_two_catalogues_of_the_same_entries_are_equal(catalogue: Catalogue) -> None:
    again = load_catalogue(FILE)

    assert again == catalogue
    assert hash(again) == hash(catalogue)
    assert Catalogue(2, catalogue.requirements) != catalogue


def test_a_catalogue_cannot_be_made_with_an_id_twice(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="two requirements share an id"):
        Catalogue(1, (catalogue["SCAN-01"], catalogue["SCAN-01"]))


def test_the_profiles_come_in_order_and_share_out_the_catalogue(catalogue: Catalogue) -> None:
    assert [str(profile) for profile in Profile] == [
        "core",
        "security",
        "resilience",
        "health-check",
        "monitoring",
        "instance",
    ]
    assert [requirement.id for requirement in catalogue.of_profile(Profile.HEALTH_CHECK)] == [
        f"HEALTH-{number:02}" for number in range(1, 11)
    ]
    assert sum(len(catalogue.of_profile(profile)) for profile in Profile) == len(catalogue)


ENTRY = """
[[requirement]]
id = "SCAN-01"
level = "must"
profile = "core"
words = "It is found."
source = ["field"]
"""
GOOD = "revision = 1\n" + ENTRY


def test_the_smallest_file_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "requirements.toml"
    file.write_text(GOOD, encoding="utf-8")

    assert list(load_catalogue(file)) == ["SCAN-01"]


def test_what_the_harness_proves_itself_names_its_test(tmp_path: Path) -> None:
    file = tmp_path / "requirements.toml"
    file.write_text(GOOD.replace('"must"', '"self"') + 'test = "tests/x.py::test_it"\n', encoding="utf-8")

    assert load_catalogue(file)["SCAN-01"].test == "tests/x.py::test_it"


LEVELS = "must, should, self"
PROFILE_NAMES = "core, security, resilience, health-check, monitoring, instance"
KEYS = "id, level, profile, words, source"
ID_FORM = "a word in capitals, a hyphen and two digits, as in SCAN-01"
LINE = "one line of text (in the file, end each part of it with a backslash)"
LIST = "a list of one text or more, none of them empty"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # keys
        (
            "source =",
            "sources =",
            f"SCAN-01: sources: found an unknown key; allowed: {KEYS}, test (did you mean 'source'?)",
        ),
        (
            'level = "must"\n',
            "",
            f"SCAN-01: level: found nothing, the key is missing; allowed: each of {KEYS}",
        ),
        (
            'id = "SCAN-01"\n',
            "",
            f"entry 1: id: found nothing, the key is missing; allowed: each of {KEYS}",
        ),
        (
            "revision = 1",
            "revision = 1\nqqq = 2",
            "top level: qqq: found an unknown key; allowed: revision, requirement",
        ),
        (
            "revision = 1\n",
            "",
            "top level: revision: found nothing, the key is missing; allowed: each of revision, requirement",
        ),
        # the top level
        ("revision = 1", "revision = 0", "top level: revision: found 0; allowed: a whole number from 1"),
        (
            "revision = 1",
            "revision = true",
            "top level: revision: found True; allowed: a whole number from 1",
        ),
        (ENTRY, "requirement = []", "top level: requirement: found []; allowed: one [[requirement]] or more"),
        (
            ENTRY,
            "requirement = [1]",
            "top level: requirement: found [1]; allowed: one [[requirement]] or more",
        ),
        (ENTRY, "requirement = 1", "top level: requirement: found 1; allowed: one [[requirement]] or more"),
        # level and profile
        ('"must"', '"mus"', f"SCAN-01: level: found 'mus'; allowed: {LEVELS} (did you mean 'must'?)"),
        ('"must"', '"MUST"', f"SCAN-01: level: found 'MUST'; allowed: {LEVELS} (did you mean 'must'?)"),
        ('"must"', "1", f"SCAN-01: level: found 1; allowed: {LEVELS}"),
        ('"must"', "[]", f"SCAN-01: level: found []; allowed: {LEVELS}"),
        ('"core"', '"xyz"', f"SCAN-01: profile: found 'xyz'; allowed: {PROFILE_NAMES}"),
        (
            '"core"',
            '"health_check"',
            f"SCAN-01: profile: found 'health_check'; allowed: {PROFILE_NAMES} (did you mean 'health-check'?)",
        ),
        # the id
        ('"SCAN-01"', '"SCAN-1"', f"entry 1: id: found 'SCAN-1'; allowed: {ID_FORM}"),
        ('"SCAN-01"', '"scan-01"', f"entry 1: id: found 'scan-01'; allowed: {ID_FORM}"),
        ('"SCAN-01"', "1", f"entry 1: id: found 1; allowed: {ID_FORM}"),
        (ENTRY, ENTRY + ENTRY, "entry 2: id: found 'SCAN-01' again; allowed: once, as in entry 1"),
        # the test
        (
            ENTRY,
            ENTRY + 'test = "test_x.py::test_it"\n',
            "SCAN-01: test: found 'test_x.py::test_it'; allowed: only at level self; scenarios prove the others",
        ),
        (
            'level = "must"',
            'level = "self"\ntest = 1',
            "SCAN-01: test: found 1; allowed: the name of a test, as in tests/test_x.py::test_it_holds",
        ),
        # words and source
        ('"It is found."', '""', f"SCAN-01: words: found ''; allowed: {LINE}"),
        ('"It is found."', '"  "', f"SCAN-01: words: found '  '; allowed: {LINE}"),
        ('"It is found."', '"It\\nis"', f"SCAN-01: words: found 'It\\nis'; allowed: {LINE}"),
        ('"It is found."', "1", f"SCAN-01: words: found 1; allowed: {LINE}"),
        ('["field"]', "[]", f"SCAN-01: source: found []; allowed: {LIST}"),
        ('["field"]', '["field", ""]', f"SCAN-01: source: found ['field', '']; allowed: {LIST}"),
        ('["field"]', "[1]", f"SCAN-01: source: found [1]; allowed: {LIST}"),
        ('["field"]', '"field"', f"SCAN-01: source: found 'field'; allowed: {LIST}"),
    ],
)
def test_an_error_names_file_entry_key_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = tmp_path / "requirements.toml"
    assert GOOD.count(old) == 1
    file.write_text(GOOD.replace(old, new), encoding="utf-8")

    with pytest.raises(CatalogueError) as raised:
        load_catalogue(file)

    assert str(raised.value) == f"{file}: {message}"


def test_an_entry_without_a_good_id_is_named_by_its_position(tmp_path: Path) -> None:
    file = tmp_path / "requirements.toml"
    file.write_text(GOOD + ENTRY.replace("SCAN-01", "SCAN-002"), encoding="utf-8")

    with pytest.raises(CatalogueError, match="entry 2: id: found 'SCAN-002'"):
        load_catalogue(file)


def test_broken_toml_is_reported_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "requirements.toml"
    file.write_text("revision = 1\n\nrequirement = oops\n", encoding="utf-8")

    with pytest.raises(CatalogueError, match=r"requirements\.toml: is not valid TOML: .*line 3"):
        load_catalogue(file)


def test_a_file_in_another_encoding_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "requirements.toml"
    file.write_bytes(GOOD.replace("found", "gefällt").encode("latin-1"))

    with pytest.raises(CatalogueError, match=r"requirements\.toml: is not UTF-8: .*position"):
        load_catalogue(file)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nowhere\.toml: cannot be read: No such file"):
        load_catalogue(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("tag", ["SCAN-01", "HEALTH-10", "NEW-99"])
def test_what_has_the_form_of_an_id(tag: str) -> None:
    assert is_requirement_id(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "scan-01",
        "SCAN-1",
        "SCAN-001",
        "SCAN_01",
        "SCAN01",
        "@SCAN-01",
        "SCAN-01 ",
        "SCAN-01\n",
        "SCAN-\u0660\u0661",
        "-01",
    ],
)
def test_what_does_not(tag: str) -> None:
    assert not is_requirement_id(tag)


@pytest.mark.parametrize(
    ("name", "meant"), [("SCAN-1", "SCAN-01"), ("scan-01", "SCAN-01"), ("SENT-02", "SEND-02"), ("x", None)]
)
def test_the_closest_is_the_one_probably_meant(name: str, meant: str | None) -> None:
    assert closest(name, ["SEND-02", "SCAN-01"]) == meant
