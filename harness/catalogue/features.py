"""The feature files as text: where they are, which scenarios they hold, and which requirements those name.

Read with the Gherkin parser itself and not through pytest-bdd, which keeps only the last of two scenarios that
share a name: what is counted here is what is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gherkin.parser import Parser

from harness.catalogue.requirements import Catalogue, is_requirement_id, load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class WrittenScenario:
    """One scenario or outline of a feature file; `file` is relative to the features' folder.

    `examples` is how many different rows its Examples have.
    """

    file: str
    line: int
    rule: str
    name: str
    tags: frozenset[str]
    examples: int

    @property
    def requirement_ids(self) -> tuple[str, ...]:
        """The requirement ids among its tags, in order."""
        return tuple(sorted(tag for tag in self.tags if is_requirement_id(tag)))


def features_root() -> Path:
    """Return the folder of the features that come with the harness, in a checkout or as installed."""
    here = Path(__file__).parents[1]
    installed = here / "features"
    return installed if installed.is_dir() else here.parent / "features"


@cache
def catalogue() -> Catalogue:
    """Return the catalogue beside the features; it is read once."""
    return load_catalogue(features_root() / "requirements.toml")


def harness_version() -> str:
    """Return the version of the harness; "unknown" where it runs without being installed."""
    try:
        return version("instance-sync")
    except PackageNotFoundError:
        return "unknown"


def read_suite(root: Path) -> tuple[WrittenScenario, ...]:
    """Read every feature file below a folder.

    Raises:
        gherkin.errors.CompositeParserException: a file is not Gherkin; it names the lines.
    """
    return tuple(
        scenario
        for path in sorted(root.rglob("*.feature"))
        for scenario in _scenarios(path.relative_to(root).as_posix(), path.read_text("utf-8"))
    )


def _scenarios(file: str, text: str) -> Iterator[WrittenScenario]:
    feature: Any = Parser().parse(text)["feature"]
    if feature is None:
        return
    for child in feature["children"]:
        rule = child.get("rule")
        for inner in rule["children"] if rule else [child]:
            if "scenario" in inner:
                above = [feature, rule] if rule else [feature]
                yield _scenario(file, inner["scenario"], rule["name"] if rule else "", above)


def _scenario(file: str, scenario: dict[str, Any], rule: str, above: list[dict[str, Any]]) -> WrittenScenario:
    tags = {tag["name"].removeprefix("@") for holder in [*above, scenario] for tag in holder["tags"]}
    return WrittenScenario(
        file=file,
        line=scenario["location"]["line"],
        rule=rule,
        name=scenario["name"],
        tags=frozenset(tags),
        examples=len(set(_rows(scenario["examples"]))),
    )


def _rows(tables: list[dict[str, Any]]) -> Iterator[frozenset[tuple[str, str]]]:
    for table in tables:
        if (header := table.get("tableHeader")) is None:
            continue
        names = [cell["value"] for cell in header["cells"]]
        for row in table["tableBody"]:
            yield frozenset(zip(names, (cell["value"] for cell in row["cells"]), strict=True))
