"""How long scenarios take: what is written beside the features."""

from pathlib import Path

from pytest_bdd.scenario import make_python_name

from harness.catalogue.durations import DURATIONS_JSON, SHORTEST_LISTED, read_durations
from harness.catalogue.features import features_root, read_suite


def test_what_is_listed_are_runs_of_scenarios_that_take_a_while() -> None:
    listed = read_durations(features_root())
    written = {f"test_{make_python_name(one.name)}" for one in read_suite(features_root())}

    assert {name.split("[", 1)[0] for name in listed} <= written
    assert min(listed.values()) >= SHORTEST_LISTED


def test_features_without_such_a_file_have_no_durations(tmp_path: Path) -> None:
    assert read_durations(tmp_path) == {}

    (tmp_path / DURATIONS_JSON).write_text('{"test_waiting": 2}', "utf-8")
    assert read_durations(tmp_path) == {"test_waiting": 2.0}
