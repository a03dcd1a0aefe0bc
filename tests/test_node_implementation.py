"""A foreign implementation, in Node.js: acquitted as it is, and convicted with any of these mistakes in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.report.folder import REPORT_JSON
from harness.report.model import Report, parse_json
from harness.requirements import Level
from harness.suite import catalogue, features_root
from harness.verdict import Conclusion, Outcome
from tests.prerequisites import program

SOURCE = Path(__file__).with_name("node_implementation")
PATIENCE = 180
ROOM = ["--fleet-address", "127.0.0.64", "--fleet-ports", "free"]


@dataclass(frozen=True)
class Mistake:
    """What is changed in which module, and the requirement that this breaks."""

    requirement: str
    module: str
    right: str
    wrong: str


MISTAKES = {
    "timestamp left out of the signature": Mistake(
        "AUTH-01", "webhooks", ".update(timestamp).update(body)", ".update(body)"
    ),
    "body signed as it is written anew": Mistake(
        "AUTH-03", "webhooks", ".update(body)", ".update(JSON.stringify(JSON.parse(body)))"
    ),
    "window open towards the future": Mistake(
        "AUTH-05",
        "webhooks",
        "Math.abs(Date.now() / 1000 - Number(timestamp))",
        "Date.now() / 1000 - Number(timestamp)",
    ),
    "session matched by its beginning": Mistake(
        "VERIFY-04",
        "instances",
        'listed?.get(sessionId) === "connected"',
        "[...(listed?.keys() ?? [])].some((one) => one.startsWith(sessionId.slice(0, 12)))",
    ),
    "status of a session ignored": Mistake(
        "VERIFY-09", "instances", 'listed?.get(sessionId) === "connected"', "listed?.has(sessionId)"
    ),
    "timeout for each read": Mistake(
        "VERIFY-08",
        "instances",
        "const deadline = setTimeout(() => finish({ connected }), timeout * 1000);",
        "const deadline = 0; request.setTimeout(timeout * 1000, () => finish({ connected }));",
    ),
    "first instance that answers taken": Mistake(
        "SCAN-04",
        "sends",
        "const holder = await first;",
        "const holder = instances[(await Promise.all(asked)).findIndex((one) => one !== null)] ?? null;",
    ),
    "new URL logged as the old one": Mistake(
        "SCAN-02", "sends", "old_url: row.assigned_instance_url,", "old_url: rows.get(id).assigned_instance_url,"
    ),
    "row moved by whoever comes last": Mistake("SCAN-11", "rows", " || viewOf(id) !== view", ""),
    "lost answer posted again": Mistake("SEND-04", "sends", 'if (outcome === "unknown") throw', "if (0) throw"),
    "any 200 taken for sent": Mistake("SEND-11", "instances", "told?.success === true", "true"),
    "any URL taken for an instance": Mistake(
        "SPOOF-02", "settings", "settings.instances.includes(base) ? base : null", "base || null"
    ),
    "claims believed unasked": Mistake(
        "SPOOF-04", "webhooks", "if (!holds(there, row.session_id)) return", "if (0) return"
    ),
    "dry run that writes": Mistake("HEALTH-06", "check", "if (dryRun) continue;", ""),
    "URL cleared when a session is nowhere": Mistake(
        "HEALTH-04", "check", "if (holder === undefined) {",
        "if (holder === undefined) {\n      rows.change(row.id, { assigned_instance_url: null });",
    ),
}  # fmt: skip


def judged(folder: Path, *options: str) -> tuple[int, Report]:
    """Judge the implementation in a folder; give the exit code and the report."""
    program("node", "nodejs")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    words = [sys.executable, "-m", "pytest", str(features_root()), "--target", str(folder / "node.toml")]
    words += [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_bdd.plugin",
        "-p",
        "harness.plugin",
        *ROOM,
        *options,
    ]
    saved = folder.parent / "reports"
    run = subprocess.run(
        [*words, "--report", str(saved)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment,
        check=False,
    )
    assert (saved / REPORT_JSON).is_file(), run.stdout + run.stderr
    return run.returncode, parse_json((saved / REPORT_JSON).read_text("utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the implementation, to judge or to change it."""
    return Path(shutil.copytree(SOURCE, tmp_path / "node_implementation"))


def test_it_is_conformant_in_all_that_it_claims(folder: Path) -> None:
    status, report = judged(folder)
    told = [
        (one.id, one.outcome, one.reasons) for one in report.requirements if one.outcome is Outcome.FAILED
    ]
    assert told == []
    assert (status, report.verdict.conclusion) == (0, Conclusion.CONFORMANT), report.verdict.why
    claimed = {one.name for one in report.profiles if one.claimed}
    missed = [
        one.id
        for one in report.requirements
        if one.judged and one.profile in claimed and one.outcome is not Outcome.PASSED
    ]
    assert missed == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_convicted_by_the_requirement_that_it_breaks(name: str, folder: Path) -> None:
    mistake = MISTAKES[name]
    module = folder / f"{mistake.module}.mjs"
    text = module.read_text("utf-8")
    assert text.count(mistake.right) == 1
    module.write_text(text.replace(mistake.right, mistake.wrong), "utf-8")

    status, report = judged(folder, "--requirement", mistake.requirement)

    assert report.requirement(mistake.requirement).outcome is Outcome.FAILED
    convicting = [one for one in report.scenarios if one.outcome is Outcome.FAILED]
    assert convicting
    assert all(one.evidence.expected and one.evidence.observed for one in convicting)
    # A SHOULD that fails decides nothing, and what was left out makes the run incomplete.
    must = catalogue()[mistake.requirement].level is Level.MUST
    assert (status, report.verdict.conclusion) == (
        (1, Conclusion.NON_CONFORMANT) if must else (2, Conclusion.INCOMPLETE)
    )
