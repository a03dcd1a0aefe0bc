"""`verify --watch`: judges, and judges again when files of the target change, what failed or else everything."""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import TargetError
from harness.exit_codes import ExitCode
from harness.report.folder import FOLDER, REPORT_JSON
from harness.run.asked.rerun import failed_in, report_before
from harness.run.interruption import Interruption
from harness.run.progress import say
from harness.targets.reader import built_in_targets, load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

IGNORED = (
    ".*", "__pycache__", "node_modules", "vendor", "venv", "storage", "build", "dist", "target", FOLDER,
    "*.log", "*.db", "*.db-*", "*.sqlite*", "*.pyc", "*.part", "*.tmp", "*.swp", "*~",
)  # fmt: skip
"""Names of files and folders that an implementation, an editor or a tool writes, and nobody edits."""
_MOST_FILES = 20_000
_POLL_SECONDS = 0.3
_OURS = {"--watch", "--rerun-failed"}

Stamps = dict[str, tuple[int, int]]


def stamps(folders: Sequence[Path], ignored: Sequence[Path] = ()) -> Stamps:
    """Return when each file below some folders was written, and its size; what nobody edits is left out."""
    found: Stamps = {}
    for path in _files(folders, {one.resolve() for one in ignored}):
        try:
            state = path.stat()
        except OSError:
            continue  # it is gone by now, or a link that leads nowhere
        found[str(path)] = state.st_mtime_ns, state.st_size
        if len(found) >= _MOST_FILES:
            break
    return found


def _files(folders: Sequence[Path], ignored: set[Path]) -> Iterator[Path]:
    for top in folders:
        for folder, folders_in, files in os.walk(top):
            folders_in[:] = [
                one
                for one in folders_in
                if not _is_ignored(one) and (Path(folder) / one).resolve() not in ignored
            ]
            yield from (Path(folder) / one for one in sorted(files) if not _is_ignored(one))


def _is_ignored(name: str) -> bool:
    return any(fnmatch.fnmatch(name, one) for one in IGNORED)


def changed(before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return the files that were written, made or removed between two looks."""
    return sorted(one for one in {*before, *after} if before.get(one) != after.get(one))


def watch(arguments: Sequence[str]) -> int:
    """Judge again and again until Ctrl-C, and return the exit code of the last run.

    Raises:
        TargetError: nothing can be watched, or what is asked for is not judged at all.
    """
    file = _value(arguments, "--target")
    if file is None or file in built_in_targets():
        raise TargetError("--watch needs a target file of your own: --target FILE")
    if wrong := {"--list", "--keep"} & {*arguments}:
        raise TargetError(f"--watch and {wrong.pop()} are given; keep one")
    target = load_target(file)
    folders = list(dict.fromkeys([Path(file).absolute().parent, target.directory.absolute()]))
    with tempfile.TemporaryDirectory(prefix="instance-sync-") as made, Interruption().heard():
        given = _value(arguments, "--report")
        report = Path(given or made)
        own = [one for one in arguments if one not in _OURS] + ([] if given else ["--report", made])
        return _judge_again_and_again(
            own, report, lambda: stamps(folders, [report]), "--rerun-failed" in arguments
        )


def _judge_again_and_again(
    own: Sequence[str],
    report: Path,
    look: Callable[[], Stamps],
    failed_first: bool,  # noqa: FBT001
) -> int:
    status, again = 0, failed_first
    written: set[str] = set()
    try:
        while True:
            before = look()
            status = _verify([*own, *(["--rerun-failed"] if again else [])])
            if status in {ExitCode.USAGE_ERROR, ExitCode.INTERRUPTED}:
                return status
            seen, again = look(), _failed(report)
            # What is written during each run is written by the run; what is new was edited meanwhile.
            edited, written = {*changed(before, seen)} - written, {*changed(before, seen)}
            if edited:
                say(f"\nchanged meanwhile: {min(edited)}\n")
                continue
            what = "what failed is" if again else "all is"
            say(f"\nwatching: {what} judged again when a file changes; Ctrl-C ends\n")
            files = _await_change(look, seen)
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            say(f"\nchanged: {files[0]}{more}\n")
    except KeyboardInterrupt:
        return status


def _await_change(look: Callable[[], Stamps], seen: Stamps) -> list[str]:
    """Return the files that changed, once nothing changes any more: an editor writes several."""
    pause = threading.Event()
    last = seen
    while True:
        pause.wait(_POLL_SECONDS)
        now = look()
        if now == last and (files := changed(seen, now)):
            return files
        last = now


def _failed(report: Path) -> bool:
    try:
        return bool((report / REPORT_JSON).is_file() and failed_in(report_before(str(report))))
    except TargetError:
        return False  # the run did not end, so that all is judged again


def _verify(arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "harness.cli.main", "verify", *arguments]
    with subprocess.Popen(command) as process:  # noqa: S603 - our own program
        try:
            return process.wait()
        except KeyboardInterrupt:
            # A terminal told it too, and then it ignores this; kill told us alone.
            process.terminate()
            process.wait()
            raise


def _value(arguments: Sequence[str], option: str) -> str | None:
    """Return the last value that an option is given."""
    found = None
    for place, one in enumerate(arguments):
        name, equals, value = one.partition("=")
        if name == option:
            found = value if equals else next(iter(arguments[place + 1 :]), None)
    return found
