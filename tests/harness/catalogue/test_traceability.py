"""The matching of scenarios' tags with the catalogue."""

from __future__ import annotations

from harness.catalogue.requirements import Catalogue, Level, Profile, Requirement, traceability


def small_catalogue() -> Catalogue:
    levels = {"SCAN-01": Level.MUST, "SCAN-02": Level.SHOULD, "SCAN-03": Level.MUST, "SCAN-04": Level.SELF}
    return Catalogue(
        1,
        tuple(
            Requirement(id=id_, level=level, profile=Profile.CORE, words="It holds.", source=("field",))
            for id_, level in levels.items()
        ),
    )


def test_traceability_gives_each_requirement_its_scenarios() -> None:
    result = traceability(
        small_catalogue(), {"one": ["SCAN-02", "SCAN-01"], "two": {"SCAN-02"}, "three": ("slow", "SCAN-01")}
    )

    assert list(result.scenarios.items()) == [
        ("SCAN-01", ("one", "three")),
        ("SCAN-02", ("one", "two")),
        ("SCAN-03", ()),
        ("SCAN-04", ()),
    ]


def test_a_tag_given_twice_counts_its_scenario_once() -> None:
    result = traceability(small_catalogue(), {"one": ["SCAN-01", "SCAN-01", "SCAN-88", "SCAN-88"]})

    assert result.scenarios["SCAN-01"] == ("one",)
    assert result.unknown == {"SCAN-88": ("one",)}


def test_requirements_without_a_scenario_are_told_apart_from_those_proven_elsewhere() -> None:
    result = traceability(small_catalogue(), {"one": ["SCAN-02"]})

    assert result.unwritten == ("SCAN-01", "SCAN-03")
    assert result.unwritten_self == ("SCAN-04",)


def test_a_requirement_of_level_self_that_has_a_scenario_is_not_unwritten() -> None:
    result = traceability(small_catalogue(), {"one": ["SCAN-04"]})

    assert result.scenarios["SCAN-04"] == ("one",)
    assert result.unwritten_self == ()


def test_a_tag_that_was_meant_as_an_id_is_unknown_and_any_other_tag_is_left_alone() -> None:
    result = traceability(
        small_catalogue(),
        {
            "one": ["SCAN-99", "scan-01", "slow", "security", "instance-3002", "health-check"],
            "two": ["SCAN-99", "SCAN_01", "SCAN-1"],
        },
    )

    assert list(result.unknown.items()) == [
        ("SCAN-1", ("two",)),
        ("SCAN-99", ("one", "two")),
        ("SCAN_01", ("two",)),
        ("scan-01", ("one",)),
    ]
    assert result.unwritten == ("SCAN-01", "SCAN-02", "SCAN-03")
