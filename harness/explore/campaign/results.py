"""What came of a unit, as a file that is named by the unit's key."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import TargetError
from harness.explore.campaign.units import unit_of_json
from harness.explore.conduct import Violation
from harness.explore.promises.base import Promise
from harness.explore.story import story_of_json
from harness.explore.workers import Told
from harness.json_text import json_of
from harness.report.folder import replace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.explore.campaign.units import Unit
    from harness.explore.story import Story

_FORMAT = 1
_MOST_BYTES = 16 * 1024 * 1024
_SUFFIX = ".json"
_COUNTS = ("stories", "actions", "kept")
_MEASURES = ("cpu", "seconds", "load")


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that was not kept, the first time in its unit.

    Attributes:
        place: the number of the story, or of the one from which it followed, counted from 0.
        violation: what was not kept.
        earlier: the stories that were told before it.

    """

    place: int
    violation: Violation
    earlier: tuple[Story, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a unit.

    Attributes:
        unit: the unit.
        told: what was told; its violations are in `broken`.
        broken: what was not kept, each promise once.
        seconds: how long telling took.
        load: the machine's load average at its end.
        worker: who told it.

    """

    unit: Unit
    told: Told
    broken: tuple[Broken, ...]
    seconds: float
    load: float
    worker: str

    def to_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        told = self.told
        return {
            "format": _FORMAT,
            "unit": self.unit.to_json(),
            "stories": told.stories,
            "actions": told.actions,
            "kept": told.kept,
            "covered": sorted(map(list, told.covered)),
            "not_judged": dict(sorted(told.unjudged.items())),
            "violations": [
                {
                    "story_number": one.place,
                    "requirement": one.violation.promise.requirement,
                    "then": one.violation.promise.then,
                    "expected": one.violation.expected,
                    "observed": one.violation.observed,
                    "story": one.violation.story.to_json(),
                    "earlier": [story.to_json() for story in one.earlier],
                }
                for one in self.broken
            ],
            "cpu": round(told.cpu, 3),
            "seconds": round(self.seconds, 3),
            "load": round(self.load, 2),
            "worker": self.worker,
        }


def result_of_json(value: Any) -> Result:
    """Return the result that a JSON object is; TargetError if it is none."""
    try:
        if value["format"] != _FORMAT:
            raise TargetError(f"its format is {value['format']!r}, and this harness reads {_FORMAT}")
        told = Told(
            **{one: _number(value, one, int) for one in _COUNTS},
            cpu=_number(value, "cpu", float),
            unjudged={str(why): _number(value["not_judged"], why, int) for why in value["not_judged"]},
            covered={(str(name), str(phase)) for name, phase in value["covered"]},
        )
        return Result(
            unit_of_json(value["unit"]),
            told,
            tuple(map(_broken_of_json, value["violations"])),
            _number(value, "seconds", float),
            _number(value, "load", float),
            str(value["worker"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise TargetError(f"it is no result of a unit ({problem!r})") from None


def _number(value: Any, name: str, kind: type) -> Any:
    found = value[name]
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < math.inf:
        raise ValueError(f"{name} is {found!r}")
    return kind(found)


def _broken_of_json(value: Any) -> Broken:
    texts = [value[one] for one in ("requirement", "then", "expected", "observed")]
    if not all(isinstance(one, str) for one in texts):
        raise ValueError("a violation has texts")
    requirement, then, expected, observed = texts
    violation = Violation(story_of_json(value["story"]), Promise(requirement, then), expected, observed)
    earlier = tuple(map(story_of_json, value["earlier"]))
    return Broken(_number(value, "story_number", int), violation, earlier)


def write(folder: Path, result: Result) -> None:
    """Save a result whole, under its unit's key."""
    replace(folder / f"{result.unit.key}{_SUFFIX}", text_of(result) + "\n")


def text_of(result: Result) -> str:
    """Return it as JSON."""
    return json.dumps(result.to_json(), ensure_ascii=False)


def read(folder: Path) -> list[Result]:
    """Return every result of a folder; TargetError names a file that is none."""
    return [_read(file) for file in sorted(folder.glob(f"*{_SUFFIX}"))] if folder.is_dir() else []


def _read(file: Path) -> Result:
    problem = ""
    if file.stat().st_size > _MOST_BYTES:
        problem = f"it has more than {_MOST_BYTES} bytes"
    else:
        try:
            result = result_of_json(json_of(file.read_bytes()))
            if result.unit.key == file.stem:
                return result
            problem = f"its name is not its unit's, which is {result.unit.key}{_SUFFIX}"
        except (ValueError, TargetError) as found:
            problem = str(found)
    raise TargetError(f"{file} cannot be merged: {problem}; remove it")
