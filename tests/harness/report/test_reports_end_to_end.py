"""Reports as a run leaves them: alone, with workers, cut short, and with an implementation that leaks secrets."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.catalogue.verdict import Outcome
from harness.report.formats import RENDERERS
from harness.report.model import Report, parse_json
from tests.harness.commands import assert_nothing_is_left, features, on_a_terminal, run, started
from tests.harness.support import until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tmp_path / "saved"


def read(saved: Path) -> Report:
    return parse_json((saved / "report.json").read_text("utf-8"))


def ran(report: Report) -> list[str]:
    return [one.id.partition("::")[2] for one in report.scenarios if one.ran]


@pytest.mark.parametrize("workers", [[], ["-n", "2", "--fleet-ports", "free"]], ids=["alone", "two-workers"])
def test_a_run_saves_every_format_and_each_history(
    host: str, folder: Path, saved: Path, workers: list[str]
) -> None:
    options = ["--target", "before-fix", "--requirement", "SCAN-02", "--requirement", "SEND-02"]
    ended = run(features(host, *options, "--report", str(saved), *workers), folder)

    report = read(saved)
    assert ended.returncode == report.verdict.exit_code == 1
    assert f"report          {saved / 'report.html'}" in ended.stdout
    assert (report.complete, report.run.selection) == (True, "requirement SCAN-02, SEND-02")
    assert {one.name for one in saved.iterdir()} == {*RENDERERS, "history"}
    told = [one for one in report.scenarios if one.ran]
    assert len(told) == 9
    assert {(saved / one.history).is_file() for one in told} == {True}
    assert len(list((saved / "history").iterdir())) == 9
    (failed,) = (one for one in told if one.outcome is Outcome.FAILED)
    assert failed.requirement_ids == ("SCAN-02",)
    assert [step.outcome for step in failed.evidence.steps] == ["passed", "passed", "passed", "failed"]
    assert failed.evidence.expected
    lanes = {lane for event in failed.evidence.events for lane in (event.source, event.target)}
    assert {"user", "implementation", "database", "3001"} <= lanes
    history = [json.loads(line) for line in (saved / failed.history).read_text("utf-8").splitlines()]
    assert {"UserSends", "RequestArrived", "RowSet", "StepReached"} <= {one["kind"] for one in history}
    assert int(ET.parse(saved / "report.xml").getroot().get("failures", "")) == 2
    assert_nothing_is_left(host, folder)


def test_workers_make_up_the_names_of_the_run_s_one_seed(host: str, folder: Path, saved: Path) -> None:
    options = ["--requirement", "SCAN-01", "-n", "2", "--fleet-ports", "free", "--report", str(saved)]

    def names() -> set[str]:
        lines = [
            line for one in saved.glob("history/*.jsonl") for line in one.read_text("utf-8").splitlines()
        ]
        held = {entry["session_id"] for entry in map(json.loads, lines) if entry["kind"] == "SessionHeld"}
        return {one.rsplit("_", 1)[1] for one in held}

    run(features(host, *options), folder)
    first = names()
    run(features(host, *options, "--fleet-seed", str(read(saved).run.seed)), folder)

    assert len(first) == 12
    assert names() == first


def test_only_what_failed_is_run_again(host: str, folder: Path, saved: Path) -> None:
    options = ["--requirement", "SCAN-02", "--requirement", "SEND-02", "--report", str(saved)]
    run(features(host, "--target", "before-fix", *options), folder)

    again = run(
        features(
            host,
            "--target",
            "before-fix",
            "--rerun-failed",
            "--report",
            str(saved),
            "-n",
            "2",
            "--fleet-ports",
            "free",
        ),
        folder,
    )
    assert len(ran(read(saved))) == 9
    assert read(saved).run.run_again == 1
    assert again.returncode == 1
    assert re.search("scenarios +9 run, 8 passed; .*; 1 of them run again", again.stdout)

    of_another = run(features(host, "--rerun-failed", "--report", str(saved)), folder)
    assert of_another.returncode == 4
    assert "the report is of before-fix" in of_another.stdout + of_another.stderr


def test_a_run_that_is_killed_leaves_a_report_that_says_so(host: str, folder: Path, saved: Path) -> None:
    saved.mkdir()
    (saved / "report.html").write_text("conformant, the last time", "utf-8")
    with started(features(host, "--report", str(saved)), folder) as process:
        until(lambda: len(list(saved.glob("history/*.jsonl"))) > 3, "some scenarios are done")
        process.send_signal(signal.SIGKILL)
        process.communicate()

    report = read(saved)
    assert (report.complete, report.verdict.exit_code) == (False, 2)
    assert "had not ended" in (saved / "report.html").read_text("utf-8")
    assert "Nothing here is a verdict" in (saved / "report.md").read_text("utf-8")
    assert int(ET.parse(saved / "report.xml").getroot().get("errors", "")) == 1
    assert_nothing_is_left(host, folder)


def test_a_run_that_is_interrupted_reports_what_it_knows(host: str, folder: Path, saved: Path) -> None:
    with started(features(host, "--report", str(saved)), folder) as process:
        until(lambda: len(list(saved.glob("history/*.jsonl"))) > 3, "some scenarios are done")
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()

    report = read(saved)
    assert (process.returncode, report.complete, report.verdict.why) == (2, True, "the run was interrupted")
    assert len(ran(report)) > 3
    assert "never ran" in {one.reason for one in report.scenarios}


INTERRUPTED_WITH_SOMETHING_OPEN = """
import os, signal, socket
from pytest_bdd import scenarios, when

scenarios(".")

class Fails:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(10**6))

@when("its worker dies")
def dies():
    left = [socket.socket()]
    left.append(left)
    del left
    Fails()
"""


def test_what_an_interruption_leaves_open_does_not_become_the_exit_code(
    host: str, folder: Path, saved: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "deadly.feature").write_text(DEADLY, "utf-8")
    (own / "test_features.py").write_text(INTERRUPTED_WITH_SOMETHING_OPEN, "utf-8")

    options = ["-W", "error", "--report", str(saved), "--requirement", "SCAN-07"]
    ended = run([*features(host, *options), str(own)], folder)

    report = read(saved)
    assert (ended.returncode, report.verdict.why) == (2, "the run was interrupted"), (
        ended.stdout + ended.stderr
    )
    assert "Traceback" not in ended.stdout + ended.stderr


KILLS_ITS_WORKER = """
import os, signal
from pytest_bdd import scenarios, when

scenarios(".")

@when("its worker dies")
def dies():
    os.kill(os.getpid(), signal.SIGKILL)
"""
DEADLY = """
Feature: A worker that is lost

  @SCAN-07
  Scenario: Its worker dies
    When its worker dies
"""


def test_a_worker_that_is_lost_leaves_no_verdict(
    host: str, folder: Path, saved: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "deadly.feature").write_text(DEADLY, "utf-8")
    (own / "test_features.py").write_text(KILLS_ITS_WORKER, "utf-8")
    target = tmp_path / "target.toml"
    command = ["{python}", "-m", "reference_impl"]
    target.write_text(
        f"[implementation]\nname = 'x'\nclaims = ['resilience']\n[launch]\ncommand = {command}\n", "utf-8"
    )

    options = ["-n", "1", "--fleet-ports", "free", "--target", str(target), "--report", str(saved)]
    ended = run([*features(host, *options, "--requirement", "SCAN-07"), str(own)], folder)

    report = read(saved)
    assert ended.returncode == report.verdict.exit_code == 2
    assert report.verdict.why.startswith("a worker was lost: ")


GIVES_AWAY = """
import os, pathlib, sys
pathlib.Path({told!r}).write_text(os.environ["API_KEY"] + " " + os.environ["HMAC_SECRET"])
print("my key is", os.environ["API_KEY"], "and", os.environ["HMAC_SECRET"], flush=True)
if {at_once}:
    sys.exit(7)
from reference_impl.__main__ import build
from reference_impl.fix.sender import Sender
from reference_impl.server import serve
send = Sender.send
def crash(self, account_id, message):
    sent = send(self, account_id, message)
    if message.text != "warm-up":
        os._exit(9)
    return sent
Sender.send = crash
serve(build)
"""


@pytest.mark.parametrize("at_once", [True, False], ids=["at-its-start", "in-a-scenario"])
def test_no_report_has_a_secret_though_the_implementation_gives_them_away(
    host: str, folder: Path, saved: Path, tmp_path: Path, *, at_once: bool
) -> None:
    program, target, secrets = tmp_path / "program.py", tmp_path / "target.toml", tmp_path / "secrets"
    program.write_text(GIVES_AWAY.format(told=str(secrets), at_once=at_once), "utf-8")
    target.write_text(
        f"[implementation]\nname = 'talks'\n[launch]\ncommand = ['{{python}}', '{program}']\n", "utf-8"
    )

    options = ["--target", str(target), "--requirement", "SCAN-02", "--report", str(saved)]
    ended = run(features(host, *options), folder)

    files = [one for one in saved.rglob("*") if one.is_file()]
    texts = [ended.stdout + ended.stderr, *(one.read_text("utf-8") for one in files)]
    assert len(files) >= len(RENDERERS)
    documents = [one for one in RENDERERS if not one.startswith("badge")]
    # JUnit has words for scenarios only, and of what does not start none ran.
    assert sum("my key is [secret] and [secret]" in one for one in texts) > len(documents) - at_once
    for secret in secrets.read_text("utf-8").split():
        assert [text for text in texts if secret in text] == []


UNJUDGED = """
Feature: What cannot be judged

  @SCAN-02 @skip
  Scenario: It is skipped
    Given an account whose session lives on instance 3002
    When the user sends "hello" from the account
    Then instance 3002 delivers "hello" once

  @SCAN-02
  Scenario: Its fault is never met
    Given an account whose session lives on instance 3002
    And instance 3004 answers 500 when asked who holds the session
    When the user sends "hello" from the account
    Then instance 3002 delivers "hello" once
"""


def test_what_is_skipped_or_whose_fault_never_fired_is_not_judged(
    host: str, folder: Path, saved: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "unjudged.feature").write_text(UNJUDGED, "utf-8")
    (own / "test_features.py").write_text("from pytest_bdd import scenarios\nscenarios('.')\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, f"--rootdir={own}", "-p", "no:cacheprovider"]

    ended = run([*command, str(own), "--fleet-address", host, "--report", str(saved)], folder)

    report = read(saved)
    came = {one.name: (one.outcome, one.reason) for one in report.scenarios if one.ran}
    never_met = (
        "a fault did not fire: instance 3004 never met the occasion when it answers 500 "
        'with {"error":"Internal server error"}'
    )
    assert came == {
        "It is skipped": (Outcome.NOT_JUDGED, "it was skipped: unconditional skip"),
        "Its fault is never met": (Outcome.NOT_JUDGED, never_met),
    }
    assert ended.returncode == report.verdict.exit_code == 2
    assert int(ET.parse(saved / "report.xml").getroot().get("failures", "")) == 0


def test_the_scenarios_are_listed_and_nothing_runs(host: str, folder: Path, saved: Path) -> None:
    options = ["--list", "-n", "2", "--requirement", "SCAN-01", "--requirement", "SCAN-02"]
    ended = run(features(host, *options), folder)

    assert ended.returncode == 0
    assert re.search(r"SCAN-01 +core/scan.feature:\d+ +A mismatched row .* \(12 runs\)", ended.stdout)
    assert "2 scenarios, 13 runs" in ended.stdout
    assert "verdict" not in ended.stdout
    assert not saved.exists()


def test_on_a_terminal_progress_is_reported(host: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "features", "-p", "no:cacheprovider", "--fleet-address", host]

    code, told = on_a_terminal([*command, "--requirement", "SCAN-01"], folder)

    assert code == 2
    assert "\r\x1b[2K11 of 12 scenarios" in told
    assert "verdict         incomplete" in told
    assert "...." not in told
