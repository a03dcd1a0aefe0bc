"""What the doctor says of a control plane in Laravel's shape that is attached wrongly by the keys for such shapes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import main
from tests.harness.support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ROOM = ["--fleet-address", "127.0.0.65", "--fleet-ports", "free"]
TARGET = ROOT / "tests" / "laravel_shape" / "laravel.toml"
WRONG = {
    "the harness makes the table": (
        "migrated = true",
        "",
        "has no column created_at, daily_limit, is_active, name, slug, which state.defaults names",
        "migrated if the implementation makes it",
    ),
    "a column without a value": (
        'slug = "{uuid}"',
        "",
        "NOT NULL constraint failed: whatsapp_sessions.slug",
        "defaults for columns of its own",
    ),
    "a name that is not the column's": (
        'session_id = "session"',
        "",
        "table whatsapp_sessions has no column session_id",
        "columns with other names",
    ),
    "another log": (
        "laravel-*.log",
        "lumen-*.log",
        "nothing was logged",
        "it must append to {data}/storage/logs/lumen-*.log, which log.file or log.files names",
    ),
    "a worker that does not start": (
        '"work"]',
        '"wrk"]',
        "laravel-shape cannot work: the program beside it ended with status 2",
        "launch.also: each must go on running until it is stopped",
    ),
    "no worker": (
        'also = [["{python}", "-m", "tests.laravel_shape", "work"]]',
        "",
        "nothing in it has changed",
        "or what processes webhooks must run: launch.also starts a worker beside it",
    ),
    "a variable that is missing": (
        'NODE_4_URL = "{instance_4}"',
        "",
        "KeyError: 'NODE_4_URL'",
        "what its last output names",
    ),
    "a header that is missing": (
        'headers = { X-Tenant = "{workspace_id}" }',
        "",
        "There is no such session of this tenant.",
        "send.headers must have what else it goes by",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told_with_the_key_to_change(
    wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, what, came, change = WRONG[wrong]
    known = TARGET.read_text("utf-8").replace('"../.."', f'"{ROOT}"')
    assert known.count(where) == 1
    file = tmp_path / "acme.toml"
    file.write_text(known.replace(where, what), "utf-8")
    status = main(["doctor", "--target", str(file), *ROOM])
    said = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert status == 2
    assert came in said, said
    assert change in said, said
