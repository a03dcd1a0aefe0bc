"""What the doctor says of health checks, counts and metrics that are in their place and not as they must be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.run.doctor import logs
from tests.harness.run.test_doctor import LAUNCHED, changes, examined
from tests.harness.run.wrong_attachments import unattached
from tests.harness.support import line

if TYPE_CHECKING:
    from pathlib import Path

START = "\nimport reference_impl.__main__ as them; them.main()"
KEYLESS = """
import reference_impl.edges.instances as i, reference_impl.fix.health_check as h
run, roster = h.HealthCheck.run, i.InstanceClient.roster
checking = []
def checked(self, **how):
    checking.append(1)
    try:
        return run(self, **how)
    finally:
        checking.pop()
async def asked(self, base):
    return await (self._get(base, "/api/sessions") if checking else roster(self, base))
h.HealthCheck.run, i.InstanceClient.roster = checked, asked
"""
WITHOUT_A_KEY = (
    "import dataclasses, reference_impl.fix.health_check as h; run = h.HealthCheck.run; "
    "h.HealthCheck.run = lambda self, **how: "
    "{k: v for k, v in dataclasses.asdict(run(self, **how)).items() if k != 'unreachable'}"
)
WITHOUT_ALERTS = (
    "import reference_impl.edges.monitoring as m; report = m.Monitoring.report; "
    "m.Monitoring.report = lambda self: {k: v for k, v in report(self).items() if k != 'alerts'}"
)
A_FRACTION = (
    "import reference_impl.edges.monitoring as m; rate = m.Monitoring._rate; "
    "m.Monitoring._rate = lambda self: rate(self) / 100"
)
OTHER_METRICS = "import reference_impl.edges.monitoring as m; m.Monitoring.metrics = lambda self: b'up 1\\n'"
ONE_LESS = (
    "import reference_impl.edges.monitoring as m; own = m.Monitoring.metrics; "
    "m.Monitoring.metrics = lambda self: own(self).replace(b'instance_sync_attempts', b'instance_sync_tries')"
)
WRONG = {
    "a report that lacks a key": (
        WITHOUT_A_KEY, "the health check", "health_check.path is right. What it answers", "unreachable", False),
    "counts that lack a key": (
        WITHOUT_ALERTS, "monitoring", "monitoring.path is right", '"alerts"', False),
    "a rate as a fraction": (
        A_FRACTION, "monitoring", "sync_success_rate must be in percent, and here it is a fraction", "", False),
    "metrics of something else": (
        OTHER_METRICS, "metrics", "monitoring.metrics must be the page that has", "there are up", True),
    "metrics that lack a name": (
        ONE_LESS, "metrics", "monitoring.metrics is right. It must have these names too", "", False),
}  # fmt: skip


def patched(file: Path, patch: str) -> None:
    code = json.dumps(f"{patch}{START}")
    file.write_text(LAUNCHED.replace('"-m", "reference_impl"', f'"-c", {code}'), "utf-8")


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_in_its_place_and_wrong_is_told_by_what_it_lacks(
    wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch, name, mend, more, refused = WRONG[wrong]
    file = tmp_path / "acme.toml"
    patched(file, patch)
    status, said = examined(file, capsys)
    told = changes(said)
    assert told.keys() == {name}, said
    assert mend in told[name], said
    assert more in told[name], said
    assert status == 2
    assert bool(unattached(file, "127.0.0.64")) is refused


def test_a_health_check_that_forgets_the_key_is_told_apart_from_another_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "acme.toml"
    patched(file, KEYLESS)
    _, said = examined(file, capsys)
    assert "the health check must send it too" in changes(said)["the health check's questions"], said
    assert unattached(file, "127.0.0.64") == []


class Logged:
    """A world that has logged some lines."""

    secrets = ("the-secret",)

    def __init__(self, *lines: str) -> None:
        self.lines = [line(one) for one in lines]

    def log_lines(self) -> list[object]:
        return list(self.lines)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['127.0.0.1 - - "POST /webhooks HTTP/1.1" 500 -'], ""),
        (["before", '"POST /webhooks HTTP/1.1" 500 -'], ""),
        (["before", "ERROR the-secret", '"POST /x HTTP/1.1" 500 -'], "; it logged: ERROR [secret]"),
        (["before", "it starts", "Exception: this", "later"], "; it logged (1 of 3 lines): Exception: this"),
    ],
)  # fmt: skip
def test_of_a_log_the_line_that_tells_most_is_quoted(lines: list[str], told: str) -> None:
    assert logs.last_words(Logged(*lines), 500, known=1 if lines[0] == "before" else 0) == told  # type: ignore[arg-type]
    assert logs.last_words(Logged(*lines), 404, known=0) == ""  # type: ignore[arg-type]
