"""`init --adapter` writes an adapter that works as it is written."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from click.testing import CliRunner

from harness.cli.main import instance_sync
from harness.exit_codes import ExitCode
from harness.targets.reader import read_target
from tests.harness.adapters.judged import judged

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, name: str = "Acme sync") -> str:
    options = ["--name", name, "--command", "{python} -m reference_impl", "--directory", ".", "--adapter"]
    ended = CliRunner().invoke(instance_sync, ["init", *options, "--output", str(folder / "acme-sync.toml")])
    return ended.output + str(ended.exception or "")


def test_it_is_named_in_the_target_file_and_never_overwritten(tmp_path: Path) -> None:
    assert "is written" in written(tmp_path, 'A "quoted" \\ name')
    target = read_target(tmp_path / "acme-sync.toml")
    assert target.adapter is not None
    assert inspect.getfile(target.adapter) == str(tmp_path / "acme_sync_adapter.py")
    assert target.not_applicable == {}
    (tmp_path / "acme-sync.toml").unlink()
    assert "acme_sync_adapter.py exists, and is not overwritten" in written(tmp_path)
    assert not (tmp_path / "acme-sync.toml").exists()


def test_it_works_as_written(tmp_path: Path) -> None:
    written(tmp_path)
    names = ["AUTH-01", "WEBHOOK-01", "VERIFY-01", "SCAN-01", "MANUAL-01", "AUTH-02"]
    chosen = [word for name in names for word in ("--requirement", name)]
    code, report = judged(tmp_path / "acme-sync.toml", tmp_path, *chosen)
    assert code == ExitCode.INCOMPLETE
    assert [report.requirement(name).outcome for name in names] == ["passed"] * len(names), report.verdict.why
