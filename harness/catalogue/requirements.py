"""The requirement catalogue: what an implementation is judged by, and which scenarios judge it.

Pure, except for reading the one catalogue file. It imports nothing of this project.
"""

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

_ID = re.compile(r"[A-Z]+-[0-9]{2}")
# Also what was probably meant as an id, as `scan-01`, `SCAN_01` or `SCAN-1`: such a tag would go unnoticed.
_LIKE_ID = re.compile(r"[A-Za-z]+[-_][0-9]{1,2}")


class CatalogueError(ValueError):
    """The catalogue file cannot be used. The message names the file, the entry, the key and what is wrong."""


class Level(StrEnum):
    """How binding a requirement is."""

    MUST = "must"
    SHOULD = "should"
    SELF = "self"
    """What the harness proves about itself or about the reference; no other implementation is judged by it."""


class Profile(StrEnum):
    """A group of requirements that an implementation can claim, in the order in which reports show them."""

    CORE = "core"
    SECURITY = "security"
    RESILIENCE = "resilience"
    HEALTH_CHECK = "health-check"
    MONITORING = "monitoring"
    INSTANCE = "instance"


_STRICT = ConfigDict(extra="forbid")
_Line = Annotated[str, Field(pattern=r"^[^\s](?:[^\n\r]*[^\s])?$")]
"""A text on one line. In the file, each part of it ends with a backslash."""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Requirement:
    """One entry of the catalogue. `test` names the test that proves one of level self, where no scenario does."""

    id: Annotated[str, Field(pattern=f"^{_ID.pattern}$")]
    level: Level
    profile: Profile
    words: _Line
    source: Annotated[tuple[_Line, ...], Field(min_length=1)]
    test: str = ""

    def __post_init__(self) -> None:
        if self.test and self.judged:
            raise ValueError("test: only of level self; scenarios prove the others")

    @property
    def judged(self) -> bool:
        """Whether an implementation is judged by it."""
        return self.level is not Level.SELF


@dataclass(frozen=True, config=_STRICT)
class Catalogue(Mapping[str, Requirement]):
    """The requirements by id, in the order of the file. An unknown id is a `KeyError`, as in any mapping."""

    revision: Annotated[int, Field(ge=1, strict=True)]
    requirements: tuple[Requirement, ...]

    def __post_init__(self) -> None:
        if not self.requirements:
            raise ValueError("there is no [[requirement]]")
        if twice := [id_ for id_, count in Counter(one.id for one in self.requirements).items() if count > 1]:
            raise ValueError(f"{', '.join(twice)}: more than one requirement has this id")

    @cached_property
    def _by_id(self) -> Mapping[str, Requirement]:
        return {one.id: one for one in self.requirements}

    def __getitem__(self, id_: str) -> Requirement:
        return self._by_id[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def of_profile(self, profile: Profile) -> tuple[Requirement, ...]:
        """Return the requirements of one profile, those of level self included, in the order of the file."""
        return tuple(requirement for requirement in self.requirements if requirement.profile == profile)


def is_requirement_id(tag: str) -> bool:
    """Return whether a tag (without its @) has the form of an id: a word in capitals and two digits, `SCAN-01`."""
    return _ID.fullmatch(tag) is not None


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that was probably meant, whatever its case, or None when none is near."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    meant = re.sub(r"[-_]([0-9])$", r"-0\1", name.lower())
    near = difflib.get_close_matches(meant, by_lower, n=1)
    return by_lower[near[0]] if near else None


def unknown_tags(
    catalogue: Catalogue, tags_of_scenarios: Mapping[str, Collection[str]]
) -> Mapping[str, tuple[str, ...]]:
    """Return the tags (without their @) that look like an id and are none, with the scenarios that carry them."""
    carried = {tag for tags in tags_of_scenarios.values() for tag in tags}
    return {
        tag: tuple(name for name, tags in tags_of_scenarios.items() if tag in tags)
        for tag in sorted(carried - catalogue.keys())
        if _LIKE_ID.fullmatch(tag)
    }


def load_catalogue(path: Path) -> Catalogue:
    """Read and check the catalogue file.

    Raises:
        CatalogueError: it cannot be read, is not TOML, or an entry is not as `Requirement` says.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = document.pop("requirement", [])
        return _CATALOGUE.validate_python({**document, "requirements": entries})
    except OSError as problem:
        raise CatalogueError(f"{path}: cannot be read: {problem.strerror}") from problem
    except ValidationError as problem:
        mistakes = [_mistake(one, entries) for one in problem.errors()]
        raise CatalogueError(f"{path}: {'; '.join(mistakes)}") from None
    except ValueError as problem:
        raise CatalogueError(f"{path}: is not valid TOML: {problem}") from problem


def _mistake(error: ErrorDetails, entries: Any) -> str:
    """Return what is wrong with the catalogue; an entry is named by its id too."""
    where = list(error["loc"])
    if len(where) > 1 and isinstance(where[1], int):
        entry = entries[where[1]]
        id_ = entry.get("id", "without an id") if isinstance(entry, dict) else repr(entry)
        where[:2] = [f"entry {where[1] + 1} ({id_})"]
    return ": ".join(map(str, [*where, error["msg"]]))


_CATALOGUE = TypeAdapter(Catalogue)
