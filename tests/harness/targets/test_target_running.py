"""Target files of what runs already: what they bring, and what they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.targets.file import read_target
from tests.harness.targets.test_target import mistake, with_line

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = """
[implementation]
name = "acme"
[launch]
url = "http://127.0.0.1:8000/"
[log]
file = "app.log"
[timing]
verify_timeout = 1
send_timeout = 5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_what_runs_already_brings_its_timeouts_and_its_log(file: Path) -> None:
    file.write_text(RUNNING, "utf-8")
    read = read_target(file)
    assert (read.url, read.verify_timeout, read.send_timeout) == ("http://127.0.0.1:8000", 1, 5)
    assert read.log_file == file.parent / "app.log"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            with_line("launch", 'url = "http://127.0.0.1:8000"'),
            "launch.url: launch.command is there too; keep one of command, image, url",
        ),
        *(
            (
                RUNNING.replace("http://127.0.0.1:8000/", url),
                f"launch.url: is {url!r} and must be where it listens, such as http://127.0.0.1:8000",
            )
            for url in (
                "127.0.0.1:8000",
                "ftp://x",
                "http://",
                "http://x:0",
                "http://x:y",
                "http://x?a",
                "http://a@b",
            )
        ),
        (
            RUNNING.replace("[log]", "env = {}\n[log]"),
            "launch.env: is for what the harness launches, and launch.url runs already",
        ),
        (
            RUNNING.replace('file = "app.log"', ""),
            'log.file: is missing; write the file to which it logs, file = "…", or via = "http"',
        ),
        (
            RUNNING.replace('file = "app.log"', 'via = "stderr"'),
            """log.via: is 'stderr', which only a launched program has; write via = "file" or "http\"""",
        ),
        (
            RUNNING.replace("[log]", '[log]\nvia = "http"\npath = "/log?after={cursor}"'),
            """log.file: is only for via = "file", and via is 'http'""",
        ),
        (
            with_line("log", 'file = "app.log"'),
            "log.file: is only for launch.url: what is launched is given its file as LOG_FILE",
        ),
        (
            with_line("timing", "verify_timeout = 0"),
            "timing.verify_timeout: is 0 and must be the seconds that are in force",
        ),
    ],
)
def test_a_mistake_is_told_by_its_key_and_by_what_is_allowed(file: Path, text: str, said: str) -> None:
    assert mistake(file, text) == said
