"""Counterexamples in a folder: as JSON, which is told first the next time, and as Gherkin, which pytest runs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from harness.errors import TargetError
from harness.explore.found.telling import step_lines
from harness.explore.story import story_of_json
from harness.json_text import json_of
from harness.report.folder import replace, replace_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.catalogue.requirements import Requirement
    from harness.explore.found.finding import Finding
    from harness.explore.story import Story

_MOST_BYTES = 1024 * 1024
_RUNNER = "test_counterexamples.py"
_RUNS = '''"""Runs every counterexample of this folder: pytest {folder}/ --target TARGET."""

from pytest_bdd import scenarios

scenarios(".")
'''
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_SHORT = 60


def kept_stories(folder: Path) -> tuple[Story, ...]:
    """Return the stories of the counterexamples that a folder has; TargetError names a file that has none."""
    found = []
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        if file.stat().st_size > _MOST_BYTES:
            raise TargetError(f"{file} is no counterexample: it has more than {_MOST_BYTES} bytes")
        try:
            value = json_of(file.read_bytes())
            found.append(story_of_json(value["story"] if isinstance(value, dict) else value))
        except (ValueError, KeyError, TargetError) as problem:
            raise TargetError(
                f"{file} is no counterexample, so it cannot be told first: {problem}; remove it, or name another "
                "folder with --counterexamples"
            ) from None
    return tuple(found)


def name_of(finding: Finding) -> str:
    """Return the name of a counterexample's files, without an ending: the requirement and what happens."""
    words = "-".join(dict.fromkeys(one.kind.name for one in finding.story.when))
    short = _NOT_A_NAME.sub("-", words.lower())[:_LONGEST_SHORT].strip("-")
    return f"{finding.requirement.lower()}-{short}-{finding.story.name[:4]}"


def gherkin(finding: Finding, requirement: Requirement, seed: int) -> str:
    """Return a counterexample as a feature: what is given, what happens, and the promise that is not kept."""
    words = requirement.words.splitlines()[0].rstrip(".")
    lines = [
        f"Feature: {_title(words)}",
        f"  Found by instance-sync explore --seed {seed}.",
        "",
        f"  @{finding.requirement}",
        f"  Scenario: {_title(finding.then)}",
        *(f"    {line}" for line in step_lines(finding)),
    ]
    return "\n".join(lines) + "\n"


def save(folder: Path, findings: Sequence[tuple[Finding, str]]) -> list[Path]:
    """Save counterexamples, each with its feature; return the features. What is there under another name stays."""
    folder.mkdir(parents=True, exist_ok=True)
    runner = folder / _RUNNER
    if not runner.exists():
        replace(runner, _RUNS.format(folder=folder.name))
    saved = []
    for finding, feature in findings:
        file = folder / f"{name_of(finding)}.feature"
        text = json.dumps(finding.to_json(), indent=1, ensure_ascii=False)
        replace_all({file: feature, file.with_suffix(".json"): text + "\n"})
        saved.append(file)
    return saved


def _title(words: str) -> str:
    return words[:1].upper() + words[1:]
