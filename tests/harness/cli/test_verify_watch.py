"""`verify --watch`: what it looks at, and that what failed is judged again when that changes."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from harness.cli.verify.watching import changed, stamps
from harness.report.model import parse_json
from tests.harness.commands import COMMAND, assert_nothing_is_left, run, started
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

TARGET = """\
[implementation]
name = "changing"
version = "1"
claims = ["core"]
[launch]
command = ["{{python}}", "-m", "{module}"]
"""


def test_files_that_are_edited_are_looked_at_and_no_others(tmp_path: Path) -> None:
    reports = tmp_path / "mine"
    for name in (
        "src/app.php",
        "vendor/a.php",
        ".git/x",
        "node_modules/b.js",
        "sync.log",
        "a.db-wal",
        "mine/r.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1", "utf-8")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    before = stamps([tmp_path], [reports])
    assert [*before] == [str(tmp_path / "src/app.php")]

    (tmp_path / "src/app.php").write_text("12", "utf-8")
    (tmp_path / "new.php").write_text("", "utf-8")
    (tmp_path / "sync.log").write_text("more", "utf-8")

    after = stamps([tmp_path], [reports])
    assert changed(before, after) == [str(tmp_path / "new.php"), str(tmp_path / "src/app.php")]
    assert changed(after, before) == changed(before, after)
    assert changed(after, after) == []


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    late = threading.Timer(3 * PATIENCE, process.kill)
    late.start()
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            late.cancel()
            return read
    raise AssertionError(f"{words!r} never came:\n{read}")


def test_what_failed_is_judged_again_when_the_target_changes(host: str, folder: Path, tmp_path: Path) -> None:
    (mine := tmp_path / "mine").mkdir()
    file, saved = mine / "changing.toml", tmp_path / "saved"
    file.write_text(TARGET.format(module="reference_impl.before_fix"), "utf-8")
    words = ["--requirement", "SCAN-02", "--requirement", "SEND-01", "-q", "-n", "0"]
    words += ["--fleet-ports", "free", "--fleet-address", host, "--report", str(saved)]
    with started([str(COMMAND), "verify", "--watch", "--target", str(file), *words], folder) as process:
        first = read_until(process, "watching: what failed is judged again")
        assert "verdict         non-conformant: failed: SCAN-02" in first
        file.write_text(TARGET.format(module="reference_impl"), "utf-8")
        second = read_until(process, "watching: all is judged again")
        assert f"changed: {file}" in second
        assert "non-conformant" not in second
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 2  # of the last run: other MUSTs were never asked for
    assert parse_json((saved / "report.json").read_text("utf-8")).run.run_again >= 1
    assert_nothing_is_left(host, folder)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--watch needs a target file of your own"),
        (["--target", "reference"], "--watch needs a target file of your own"),
        (["--target=mine.toml", "--list"], "--watch and --list are given; keep one"),
    ],
)
def test_what_cannot_be_watched_is_refused(words: list[str], said: str, tmp_path: Path) -> None:
    ended = run([str(COMMAND), "verify", "--watch", *words], tmp_path, tmp_path)
    assert (ended.returncode, said in ended.stderr) == (4, True), ended.stderr
