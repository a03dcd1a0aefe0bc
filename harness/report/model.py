"""One run as every report shows it: plain values, checked, and the same after a trip through JSON. Pure.

`report.json` is a `Report` as JSON; its published schema is `harness/report/report.schema.json`. The docstrings of
these classes are part of it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from harness.catalogue.record import Record
from harness.catalogue.requirements import Level, Profile
from harness.catalogue.verdict import Conclusion, Outcome

_STRICT = ConfigDict(extra="forbid")


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
class GateReport:
    """The conclusion on some of the profiles, which alone decides the exit code."""

    profiles: tuple[Profile, ...]
    conclusion: Conclusion
    why: str


@dataclass(frozen=True, slots=True, config=_STRICT)
class VerdictReport:
    """The conclusion of the run, and the exit code that stands for it, or for the gate's where there is one."""

    conclusion: Conclusion
    exit_code: int
    why: str
    gate: GateReport | None = None

    @property
    def deciding(self) -> Conclusion:
        """The conclusion that the exit code stands for."""
        return self.conclusion if self.gate is None else self.gate.conclusion


@dataclass(frozen=True, slots=True, config=_STRICT)
class RunReport:
    """How the run was made. `began` is in UTC, to the second; `selection` the filters in force, empty for none.

    `order_seed` is null where scenarios ran in the catalogue's order. `workers` is 0 where one process judged.
    `run_again` counts the scenarios that were run again in a run that went on from this report.
    """

    harness: str
    catalogue: int
    began: str
    seconds: float
    seed: int
    selection: str
    order_seed: int | None = None
    workers: int = 0
    run_again: int = 0

    @property
    def order(self) -> str:
        """In which order scenarios ran, and what repeats it."""
        order = (
            "in the order of the catalogue" if self.order_seed is None else f"--order-seed {self.order_seed}"
        )
        again = f"; {self.run_again} of them run again" if self.run_again else ""
        return order + (f", -n {self.workers}" if self.workers else "") + again


@dataclass(frozen=True, slots=True, config=_STRICT)
class SectionReport:
    """One section of the contract: how many of its sentences that something can judge this run judged.

    `needs` has the requirements that would have judged the others.
    """

    title: str
    sentences: int
    judged: int
    needs: tuple[str, ...]


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
class CauseReport:
    """Scenarios that failed in the same way, and so likely by one mistake; `words` say what the implementation did.

    `requirements` are theirs, MUSTs first; `scenarios` their ids, the one that shows it most clearly first.
    """

    words: str
    requirements: tuple[str, ...]
    scenarios: tuple[str, ...]


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
    scenarios: tuple[Record, ...]
    sensitivity: SensitivityReport | None = None
    """None where only scenarios ran that do not come with the harness: nothing is known of them."""
    sections: tuple[SectionReport, ...] = ()
    """What of the contract this run judged; empty where it was about gateways alone."""
    causes: tuple[CauseReport, ...] = ()
    """The likely causes of what failed, worst first."""

    def requirement(self, id_: str) -> RequirementReport:
        """Return the requirement with this id, which must be one of the catalogue's."""
        return next(one for one in self.requirements if one.id == id_)

    def of(self, *outcomes: Outcome) -> tuple[RequirementReport, ...]:
        """Return the requirements with one of these outcomes."""
        return tuple(one for one in self.requirements if one.outcome in outcomes)


_REPORT = TypeAdapter(Report)


def render_json(report: Report) -> str:
    """Return a report as JSON text that meets the schema."""
    return _REPORT.dump_json(report, indent=1).decode() + "\n"


def parse_json(text: str) -> Report:
    """Return the report that a text is the JSON of.

    Raises:
        pydantic.ValidationError: it is not one; a ValueError.
    """
    return _REPORT.validate_json(text)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of `report.json`."""
    made = _REPORT.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
