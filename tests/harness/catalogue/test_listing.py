"""Lists: the scenarios that would run, and the requirements with what judges them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.catalogue.features import catalogue as real_catalogue
from harness.catalogue.listing import (
    chosen,
    requirement_lines,
    requirements_json,
    requirements_markdown,
    scenario_lines,
)
from harness.cli.main import main
from tests.harness.reporting import CATALOGUE, FOUND, LOGGED, SUITE, record


def test_scenarios_are_listed_once_with_their_requirements_and_runs() -> None:
    records = [record(LOGGED), record(FOUND, row="3001"), record(FOUND, row="3002")]

    lines = [line.split(maxsplit=2) for line in scenario_lines(SUITE, records)]

    assert sorted(lines[:-1]) == [
        ["SCAN-01", "core/scan.feature:1", "It is found  (2 runs)"],
        ["SCAN-02", "core/scan.feature:1", "It is logged"],
    ]
    assert list(scenario_lines(SUITE, records))[-1] == "2 scenarios, 3 runs"
    assert list(scenario_lines(SUITE, records[:1]))[-1] == "1 scenario, 1 run"


def test_requirements_are_reported_as_tables_by_profile() -> None:
    must = replace(CATALOGUE["SCAN-01"], words="This | that.")

    lines = list(requirements_markdown([must, CATALOGUE["SCAN-02"], CATALOGUE["AUTH-05"]], SUITE[:1]))

    head = ["| id | level | requirement | source | scenarios |", "|---|---|---|---|---|"]
    assert lines == [
        "## core",
        "",
        *head,
        "| SCAN-01 | MUST | This \\| that. | field | It is found |",
        "| SCAN-02 | MUST | SCAN_02 holds. | field | none yet |",
        "",
        "## security",
        "",
        *head,
        "| AUTH-05 | MUST | AUTH_05 holds. | field | none yet |",
    ]


def test_requirements_are_reported_with_level_words_source_and_scenarios() -> None:
    lines = list(requirement_lines(chosen(CATALOGUE, ["core"], ["must"]), SUITE[:1]))

    assert lines == [
        "── core ──",
        "SCAN-01       MUST    SCAN_01 holds.",
        "              source: field",
        "              core/scan.feature:1  It is found  (2 rows)",
        "SCAN-02       MUST    SCAN_02 holds.",
        "              source: field",
        "              no scenario yet",
        "2 requirements",
    ]


def test_a_program_is_reported_the_same() -> None:
    values = json.loads(requirements_json(chosen(CATALOGUE, ["core"], ["must"]), SUITE[:1]))

    assert [(one["id"], one["level"], one["profile"], one["words"], one["source"]) for one in values] == [
        ("SCAN-01", "must", "core", "SCAN_01 holds.", ["field"]),
        ("SCAN-02", "must", "core", "SCAN_02 holds.", ["field"]),
    ]
    assert [one["scenarios"] for one in values] == [
        [{"file": "core/scan.feature", "line": 1, "rule": "", "name": "It is found", "rows": 2}],
        [],
    ]


def test_the_command_lists_the_whole_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["requirements", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert main(["requirements"]) == 0
    told = capsys.readouterr().out

    catalogue = real_catalogue()
    assert {one["id"]: one["words"] for one in values} == {
        one.id: one.words for one in catalogue.requirements
    }
    assert told.endswith(f"{len(catalogue)} requirements\n")
    (constant_time,) = (one for one in values if one["id"] == "AUTH-10")
    assert constant_time["test"].startswith("tests/reference_impl/")
    assert all(one["scenarios"] or one["test"] for one in values if one["profile"] == "core")


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [(["--profile", "cor"], "'core', 'security'"), (["--level", "MUST"], "'must', 'should', 'self'")],
)
def test_the_command_names_what_is_allowed(
    capsys: pytest.CaptureFixture[str], arguments: list[str], allowed: str
) -> None:
    assert main(["requirements", *arguments]) == 4
    assert allowed in capsys.readouterr().err
