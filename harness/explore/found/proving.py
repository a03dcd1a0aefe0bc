"""Runs kept counterexamples as pytest runs them: each must fail on the implementation, and pass on the reference."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.attach.drivers.guarded import Guarded
from harness.catalogue.verdict import Outcome
from harness.report.folder import REPORT_JSON
from harness.report.model import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

REFERENCE = "reference"
_END_SECONDS = 60.0
_POLL_SECONDS = 0.2


def prove(
    features: Sequence[Path], target: str, address: str, tell: Callable[[str], None]
) -> Mapping[Path, str]:
    """Return, by feature, what became of it on the target and on the reference, in words."""
    if not features:
        return {}
    found: dict[str, Mapping[str, Outcome]] = {}
    for name in dict.fromkeys((target, REFERENCE)):
        tell(f"running what was found as scenarios, on {name}")
        found[name] = _outcomes(features, name, address)
    return {
        one: ", ".join(_told(name, outcomes.get(one.name)) for name, outcomes in found.items())
        for one in features
    }


def _told(name: str, outcome: Outcome | None) -> str:
    words = {Outcome.FAILED: "fails on", Outcome.PASSED: "passes on"}
    return f"{words.get(outcome, 'is not judged on')} {name}" if outcome else f"did not run on {name}"


def _outcomes(features: Sequence[Path], target: str, address: str) -> Mapping[str, Outcome]:
    with tempfile.TemporaryDirectory(prefix="instance-sync-") as made:
        folder = Path(made)
        folders = sorted({str(one.parent) for one in features})
        command = [
            *(sys.executable, "-m", "pytest", *folders, "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
            *("--target", target, "--unchecked", "--fleet-address", address),
            *("--report", str(folder / "report")),
        ]
        guarded = Guarded(command, folder, _END_SECONDS, output=folder / "output.txt")
        try:
            while guarded.wait(_POLL_SECONDS) is None:
                pass
        finally:
            guarded.end()
        try:
            report = parse_json((folder / "report" / REPORT_JSON).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {Path(one.file).name: one.outcome for one in report.scenarios if one.ran}
