"""What a path given to pytest or to `verify` means: scenarios, or words about what is not there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.features import features_root, read_suite
from harness.errors import TargetError
from harness.run.asked.places import collected_for, judged_by
from tests.harness.commands import COMMAND, run
from tests.harness.support import FEATURES, ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_of_features_and_a_feature_file_become_tests() -> None:
    suite = read_suite(FEATURES)
    assert len(collected_for([str(FEATURES / "core")], ROOT)) == sum(
        one.file.startswith("core/") for one in suite
    )
    one_file = collected_for(["features/core/scan.feature"], ROOT)
    assert len(one_file) == sum(one.file == "core/scan.feature" for one in suite)
    assert f"{FEATURES}/test_features.py::test_a_mismatched_row_is_repaired_by_the_next_send" in one_file


@pytest.mark.parametrize(
    "path", ["features/", "tests/x.py", "features/test_features.py::test_one", "no/such"]
)
def test_what_pytest_understands_is_left_to_it(path: str) -> None:
    assert collected_for([path], ROOT) == [path]


@pytest.mark.parametrize("given", ["before-fix", "acme sync.toml"])
def test_a_target_is_given_by_its_option(given: str, tmp_path: Path) -> None:
    (tmp_path / "acme sync.toml").touch()
    with pytest.raises(TargetError, match=r"is a target, .* write --target ('acme sync\.toml'|before-fix)$"):
        judged_by(["core", given], tmp_path)


def test_features_in_a_wrong_folder_say_where_to_stand(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"no features/ in .*; stand in the folder of the checkout"):
        collected_for(["features/"], tmp_path)


@pytest.mark.parametrize("path", ["core/scan.feature", "features/core/scan.feature"])
def test_verify_finds_a_path_among_the_features_from_anywhere(path: str, tmp_path: Path) -> None:
    assert judged_by([path], tmp_path) == [str(features_root() / "core/scan.feature")]


def test_a_suite_of_ones_own_is_judged_beside_all_features(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert judged_by(["mine"], tmp_path) == [str(features_root()), "mine"]
    assert judged_by([], tmp_path) == [str(features_root())]


@pytest.mark.parametrize(
    ("path", "words"), [("core/scn.feature", "did you mean core/scan.feature"), ("nosuch", "are in core, ")]
)
def test_a_path_that_is_nowhere_is_told(path: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=words):
        judged_by([path], tmp_path)


@pytest.mark.parametrize("workers", [[], ["-n", "0"]], ids=["workers", "none"])
def test_verify_ends_with_4_for_such_a_path(workers: list[str], tmp_path: Path) -> None:
    ended = run([str(COMMAND), "verify", "nosuchdir", *workers], tmp_path, tmp_path)
    assert ended.returncode == 4
    assert "instance-sync verify: there is no nosuchdir, in" in ended.stderr


def test_pytest_narrowed_to_a_folder_without_what_was_asked_for_is_incomplete(tmp_path: Path) -> None:
    words = ["-m", "pytest", "features/security", "--requirement", "SCAN-02", "-p", "no:randomly", "-q"]
    ended = run([sys.executable, *words], tmp_path, ROOT)
    assert ended.returncode == 2, ended.stdout
    assert "verdict         incomplete: no scenario ran" in ended.stdout
