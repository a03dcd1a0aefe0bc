"""Workers share the room in which scenarios run; one that must be alone has it to itself, whoever ends how."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.run.again import room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHARES = """
import sys
from pathlib import Path
from harness.run.again import room
room._ROOM, room._DOOR = Path(sys.argv[1]), Path(sys.argv[2])
with getattr(room, sys.argv[3])():
    print("inside", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found = []
    for name in ("_ROOM", "_DOOR"):
        file = tmp_path / name
        file.touch()
        monkeypatch.setattr(room, name, file)
        found.append(str(file))
    return found


@pytest.fixture
def another(files: list[str], request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Run another worker that is in the room."""
    words = [sys.executable, "-c", SHARES, *files, request.param]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        yield process
        process.kill()


@pytest.mark.parametrize("another", ["shared"], indirect=True)
def test_others_may_share_the_room_and_whoever_wants_it_alone_waits(
    another: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with room.shared():
        assert another.poll() is None
    monkeypatch.setattr(room, "PATIENCE_SECONDS", 0.1)
    with room.alone() as had_alone:
        assert not had_alone
    another.communicate("\n")
    with room.alone() as had_alone:
        assert had_alone


@pytest.mark.parametrize("another", ["alone"], indirect=True)
def test_a_lock_ends_with_its_process(another: subprocess.Popen[str]) -> None:
    another.kill()
    another.wait()
    with room.alone() as had_alone:
        assert had_alone


@pytest.mark.usefixtures("files")
def test_where_nothing_can_be_locked_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(room.fcntl, "flock", refuse)
    with room.shared(), room.alone() as had_alone:
        assert not had_alone
    monkeypatch.setattr(room, "_ROOM", room._ROOM.with_name("gone"))
    with room.alone() as had_alone:
        assert not had_alone
