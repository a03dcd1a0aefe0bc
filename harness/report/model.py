"""One run as every report shows it: plain values, checked, and the same after a trip through JSON. Pure.

`report.json` is a `Report` as JSON; its published schema is `harness/report/report.schema.json`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from harness.requirements import Level, Profile
from harness.verdict import Conclusion, Outcome

_STRICT = ConfigDict(extra="forbid")

Tone = Literal["plain", "good", "bad", "faint"]
StepOutcome = Literal["passed", "failed", "not judged", "not reached"]


@dataclass(frozen=True, slots=True, config=_STRICT)
class Step:
    """One step of a scenario with its keyword, and how far it came. `seconds` is how long it took."""

    words: str
    outcome: StepOutcome = "not reached"
    seconds: float | None = None


@dataclass(frozen=True, slots=True, config=_STRICT)
class Event:
    """One thing that happened, as a sequence diagram draws it.

    `at` is seconds since the first event. With a `source` and a `target` it is an arrow from lane to lane; with a
    source alone, a note on its lane; with neither, a line across all lanes. `count` alike events are told as one.
    """

    at: float
    source: str
    target: str
    words: str
    tone: Tone = "plain"
    count: int = 1


@dataclass(frozen=True, slots=True, config=_STRICT)
class Evidence:
    """What is known of one run of a scenario besides its outcome.

    `expected` and `observed` are a finding's; `timeline` is there when it did not pass; `events` when a report
    was asked for, and `left_out` of them, in the middle, are in the saved history only.
    """

    seconds: float = 0.0
    steps: tuple[Step, ...] = ()
    expected: str = ""
    observed: str = ""
    timeline: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, config=_STRICT)
class ScenarioReport:
    """One run of a scenario, or a scenario that did not run.

    `id` is the same in every run: file, name and row of Examples. `history` is the file of its history, relative
    to the report's folder, and empty where none was saved.
    """

    id: str
    name: str
    row: str
    file: str
    line: int
    rule: str
    level: Level
    requirement_ids: tuple[str, ...]
    outcome: Outcome
    reason: str
    ran: bool
    judged_again: bool = False
    history: str = ""
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True, config=_STRICT)
class RequirementReport:
    """What the run says of one requirement, in the catalogue's words; `scenarios` are the ids of its scenarios.

    `test` names the test that proves one of level self where no scenario does.
    """

    id: str
    level: Level
    profile: Profile
    words: str
    source: tuple[str, ...]
    outcome: Outcome
    reasons: tuple[str, ...]
    scenarios: tuple[str, ...]
    test: str = ""

    @property
    def judged(self) -> bool:
        """Whether an implementation is judged by it."""
        return self.level != "self"


@dataclass(frozen=True, slots=True, config=_STRICT)
class ProfileReport:
    """One profile; `musts` and `shoulds` count its requirements by outcome."""

    name: Profile
    claimed: bool
    musts: dict[Outcome, int]
    shoulds: dict[Outcome, int]


@dataclass(frozen=True, slots=True, config=_STRICT)
class ImplementationReport:
    """Who was judged."""

    name: str
    version: str
    claims: tuple[Profile, ...]


@dataclass(frozen=True, slots=True, config=_STRICT)
class VerdictReport:
    """The conclusion of the run, and the exit code that stands for it."""

    conclusion: Conclusion
    exit_code: int
    why: str


@dataclass(frozen=True, slots=True, config=_STRICT)
class RunReport:
    """How the run was made. `began` is in UTC, to the second; `selection` the filters in force, empty for none."""

    harness: str
    catalogue: int
    began: str
    seconds: float
    seed: int
    selection: str


@dataclass(frozen=True, slots=True, config=_STRICT)
class SensitivityReport:
    """How many of the `known` defects the scenarios judged in this run are able to catch.

    `needs` counts the others by what this run lacked for them: a profile, or scenarios that were not judged.
    """

    known: int
    catchable: int
    needs: dict[str, int]

    @property
    def words(self) -> str:
        """The same in a sentence without its full stop."""
        told = f"could have caught {self.catchable} of {self.known} known defects"
        if not self.needs:
            return told
        needs = ", ".join(f"{need} ({count})" for need, count in self.needs.items())
        return f"{told}; the missing ones need: {needs}"


@dataclass(frozen=True, slots=True, config=_STRICT)
class Report:
    """A whole run. One that is not `complete` had not ended when it was written: it may have been killed."""

    format: Literal[1]
    complete: bool
    verdict: VerdictReport
    implementation: ImplementationReport
    run: RunReport
    profiles: tuple[ProfileReport, ...]
    requirements: tuple[RequirementReport, ...]
    scenarios: tuple[ScenarioReport, ...]
    sensitivity: SensitivityReport | None = None
    """None where nothing is known of the scenarios that ran: they are somebody's own."""

    def requirement(self, id_: str) -> RequirementReport:
        """Give the requirement with this id, which must be one of the catalogue's."""
        return next(one for one in self.requirements if one.id == id_)

    def of(self, *outcomes: Outcome) -> tuple[RequirementReport, ...]:
        """Give the requirements with one of these outcomes."""
        return tuple(one for one in self.requirements if one.outcome in outcomes)


_EVIDENCE = TypeAdapter(Evidence)
_REPORT = TypeAdapter(Report)


def evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    """Give evidence as JSON values, which can cross from a worker to its controller."""
    values: dict[str, Any] = _EVIDENCE.dump_python(evidence, mode="json")
    return values


def evidence_from_json(values: object) -> Evidence:
    """Give the evidence that `evidence_to_json` gave the values of."""
    return _EVIDENCE.validate_python(values)


def render_json(report: Report) -> str:
    """Give a report as JSON text that meets the schema."""
    return _REPORT.dump_json(report, indent=1).decode() + "\n"


def parse_json(text: str) -> Report:
    """Give the report that a text is the JSON of.

    Raises:
        pydantic.ValidationError: it is not one; a ValueError.
    """
    return _REPORT.validate_json(text)


def schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of `report.json`."""
    made = _REPORT.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
