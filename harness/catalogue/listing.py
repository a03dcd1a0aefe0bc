"""Lists scenarios, and requirements with the scenarios that judge them: as text and as JSON. Pure."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

from harness.catalogue.requirements import Profile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from harness.catalogue.features import WrittenScenario
    from harness.catalogue.record import Record
    from harness.catalogue.requirements import Catalogue, Requirement

_WIDTH = 110
_INDENT = " " * 14


def scenario_lines(suite: Sequence[WrittenScenario], records: Sequence[Record]) -> Iterator[str]:
    """List the written scenarios that these records are runs of, with their requirements, by file."""
    runs = Counter((record.file, record.name) for record in records)
    ids = {(record.file, record.name): record.requirement_ids for record in records}
    lines = {(one.file, one.name): one.line for one in suite}
    for file, name in sorted(runs, key=lambda key: (key[0], lines.get(key, 0))):
        times = f"  ({runs[file, name]} runs)" if runs[file, name] > 1 else ""
        where = f"{file}:{lines.get((file, name), 0)}"
        yield f"{', '.join(ids[file, name]):<20}  {where:<34}  {name}{times}"
    yield f"{_counted(len(runs), 'scenario')}, {_counted(sum(runs.values()), 'run')}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def chosen(
    catalogue: Catalogue, profiles: Collection[str], levels: Collection[str]
) -> tuple[Requirement, ...]:
    """Return the requirements of these profiles and levels, or of all where none is named, by profile."""
    return tuple(
        one
        for profile in Profile
        if not profiles or profile in profiles
        for one in catalogue.of_profile(profile)
        if not levels or one.level in levels
    )


def requirement_lines(requirements: Sequence[Requirement], suite: Sequence[WrittenScenario]) -> Iterator[str]:
    """Describe requirements for people: level, words, source, and the scenarios that judge them."""
    profile = None
    for one in requirements:
        if one.profile is not profile:
            profile = one.profile
            yield f"── {profile.value} ──"
        head = f"{one.id:<14}{one.level.value.upper():<8}{one.words}"
        yield from textwrap.wrap(head, _WIDTH, subsequent_indent=_INDENT)
        yield f"{_INDENT}source: {'; '.join(one.source)}"
        carriers = scenarios_of(one, suite)
        for scenario in carriers:
            rows = f"  ({scenario.examples} rows)" if scenario.examples else ""
            yield f"{_INDENT}{scenario.file}:{scenario.line}  {scenario.name}{rows}"
        if one.test:
            yield f"{_INDENT}{one.test}"
        if not carriers and not one.test:
            yield f"{_INDENT}no scenario yet"
    yield _counted(len(requirements), "requirement")


def requirements_markdown(
    requirements: Sequence[Requirement], suite: Sequence[WrittenScenario]
) -> Iterator[str]:
    """List requirements as tables in Markdown, a section for each profile; scenarios by their names."""
    profile = None
    for one in requirements:
        if one.profile is not profile:
            if profile is not None:
                yield ""
            profile = one.profile
            yield from (f"## {profile.value}", "", "| id | level | requirement | source | scenarios |")
            yield "|---|---|---|---|---|"
        proofs = [scenario.name for scenario in scenarios_of(one, suite)]
        if one.test:
            proofs.append(f"`{one.test}`")
        cells = [
            one.id,
            one.level.value.upper(),
            one.words,
            "; ".join(one.source),
            "<br>".join(proofs) or "none yet",
        ]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def requirements_json(requirements: Sequence[Requirement], suite: Sequence[WrittenScenario]) -> str:
    """Return the same as a JSON list."""
    return json.dumps([_to_json(one, suite) for one in requirements], ensure_ascii=False, indent=1)


def _to_json(one: Requirement, suite: Sequence[WrittenScenario]) -> dict[str, Any]:
    return {
        "id": one.id,
        "level": one.level.value,
        "profile": one.profile.value,
        "words": one.words,
        "source": list(one.source),
        "test": one.test or None,
        "scenarios": [
            {
                "file": each.file,
                "line": each.line,
                "rule": each.rule,
                "name": each.name,
                "rows": each.examples,
            }
            for each in scenarios_of(one, suite)
        ],
    }


def scenarios_of(one: Requirement, suite: Sequence[WrittenScenario]) -> list[WrittenScenario]:
    """Return the scenarios that judge a requirement."""
    return [scenario for scenario in suite if one.id in scenario.tags]
