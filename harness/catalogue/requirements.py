"""The requirement catalogue: what an implementation is judged by, and which scenarios judge it.

Pure, the reading of the one catalogue file aside. It imports nothing of this project.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from reprlib import repr as short
from typing import Any, TypeVar

_ID = re.compile(r"[A-Z]+-[0-9]{2}")
# Also what was probably meant as an id: `scan-01`, `SCAN_01`, `SCAN-1`. Such a tag would otherwise go unnoticed.
_LIKE_ID = re.compile(r"[A-Za-z]+[-_][0-9]{1,2}")

_Kind = TypeVar("_Kind", bound=StrEnum)


class CatalogueError(ValueError):
    """The catalogue file cannot be used. The message names file, entry, key, what was found, what is allowed."""


class Level(StrEnum):
    """How binding a requirement is."""

    MUST = "must"
    SHOULD = "should"
    SELF = "self"
    """What the harness proves about itself or about the reference; nobody else is judged by it."""


class Profile(StrEnum):
    """A group of requirements that an implementation can claim, in the order in which reports show them."""

    CORE = "core"
    SECURITY = "security"
    RESILIENCE = "resilience"
    HEALTH_CHECK = "health-check"
    MONITORING = "monitoring"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One entry of the catalogue. `test` names the test that proves one of level self, where no scenario does."""

    id: str
    level: Level
    profile: Profile
    words: str
    source: tuple[str, ...]
    test: str = ""

    @property
    def judged(self) -> bool:
        """Whether an implementation is judged by it."""
        return self.level is not Level.SELF


@dataclass(frozen=True, slots=True)
class Catalogue(Mapping[str, Requirement]):
    """The requirements by id, in the order of the file. An unknown id is a `KeyError`, as in any mapping.

    Raises `ValueError` when two requirements share an id.
    """

    revision: int
    requirements: tuple[Requirement, ...]
    _by_id: Mapping[str, Requirement] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {requirement.id: requirement for requirement in self.requirements}
        if len(by_id) < len(self.requirements):
            raise ValueError("two requirements share an id")
        object.__setattr__(self, "_by_id", by_id)

    def __getitem__(self, id_: str) -> Requirement:
        return self._by_id[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def of_profile(self, profile: Profile) -> tuple[Requirement, ...]:
        """Give the requirements of one profile, those of level self included, in the order of the file."""
        return tuple(requirement for requirement in self.requirements if requirement.profile == profile)


@dataclass(frozen=True, slots=True)
class Traceability:
    """Which scenarios carry which requirement."""

    scenarios: Mapping[str, tuple[str, ...]]
    """Every id of the catalogue, in its order, with the names of the scenarios tagged with it."""
    unwritten: tuple[str, ...]
    """The ids that an implementation is judged by and no scenario carries."""
    unwritten_self: tuple[str, ...]
    """The ids of level self that no scenario carries; their proof is elsewhere, in the tests of the harness."""
    unknown: Mapping[str, tuple[str, ...]]
    """Tags that look like an id but are not in the catalogue, with the scenarios that carry them."""


def is_requirement_id(tag: str) -> bool:
    """Tell whether a tag (without its @) has the form of an id: a word in capitals and two digits, `SCAN-01`."""
    return _ID.fullmatch(tag) is not None


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """Give the candidate that was probably meant, whatever its case, or None when none is near."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    meant = re.sub(r"[-_]([0-9])$", r"-0\1", name.lower())
    near = difflib.get_close_matches(meant, by_lower, n=1)
    return by_lower[near[0]] if near else None


def traceability(catalogue: Catalogue, tags_of_scenarios: Mapping[str, Collection[str]]) -> Traceability:
    """Match scenarios (name to tags, each without its @) with the catalogue.

    A tag that is neither in the catalogue nor similar to an id is none of its business and is left out.
    """
    scenarios: dict[str, list[str]] = {id_: [] for id_ in catalogue}
    unknown: dict[str, list[str]] = {}
    for scenario, tags in tags_of_scenarios.items():
        for tag in dict.fromkeys(tags):
            if tag in catalogue:
                scenarios[tag].append(scenario)
            elif _LIKE_ID.fullmatch(tag):
                unknown.setdefault(tag, []).append(scenario)
    unwritten = [catalogue[id_] for id_, names in scenarios.items() if not names]
    return Traceability(
        scenarios={id_: tuple(names) for id_, names in scenarios.items()},
        unwritten=tuple(requirement.id for requirement in unwritten if requirement.judged),
        unwritten_self=tuple(requirement.id for requirement in unwritten if not requirement.judged),
        unknown={tag: tuple(names) for tag, names in sorted(unknown.items())},
    )


def load_catalogue(path: Path) -> Catalogue:
    """Read and check the catalogue file.

    Raises `CatalogueError` at the first thing wrong with it: a file that cannot be read, broken TOML, an unknown or
    missing key, a value that is not allowed, an id given twice.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path}: is not UTF-8: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: is not valid TOML: {error}") from error

    try:
        return _catalogue(document)
    except _EntryError as error:
        raise CatalogueError(f"{path}: {error}") from None


class _EntryError(Exception):
    """Something in the document is not allowed; the file's name is added by the one who knows it."""

    def __init__(self, entry: str, key: str, found: str, allowed: str) -> None:
        super().__init__(f"{entry}: {key}: found {found}; allowed: {allowed}")


def _catalogue(document: dict[str, Any]) -> Catalogue:
    _check_keys("top level", document, ("revision", "requirement"))
    revision, entries = document["revision"], document["requirement"]
    if type(revision) is not int or revision < 1:  # a TOML true is an int to isinstance
        raise _EntryError("top level", "revision", repr(revision), "a whole number from 1")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise _EntryError("top level", "requirement", short(entries), "one [[requirement]] or more")

    positions: dict[str, int] = {}
    requirements = []
    for position, entry in enumerate(entries, start=1):
        requirement = _requirement(position, entry)
        if requirement.id in positions:
            first = positions[requirement.id]
            raise _EntryError(
                f"entry {position}", "id", f"{requirement.id!r} again", f"once, as in entry {first}"
            )
        positions[requirement.id] = position
        requirements.append(requirement)
    return Catalogue(revision, tuple(requirements))


def _requirement(position: int, entry: dict[str, Any]) -> Requirement:
    id_ = entry.get("id")
    well_named = isinstance(id_, str) and is_requirement_id(id_)
    name = str(id_) if well_named else f"entry {position}"
    keys = tuple(each.name for each in fields(Requirement))
    _check_keys(name, entry, keys, optional=("test",))
    if not well_named:
        raise _EntryError(name, "id", repr(id_), "a word in capitals, a hyphen and two digits, as in SCAN-01")

    words, source = entry["words"], entry["source"]
    if not _is_line(words):
        raise _EntryError(
            name,
            "words",
            short(words),
            "one line of text (in the file, end each part of it with a backslash)",
        )
    if not isinstance(source, list) or not source or not all(map(_is_line, source)):
        raise _EntryError(name, "source", short(source), "a list of one text or more, none of them empty")
    level, test = _one_of(Level, name, "level", entry["level"]), entry.get("test", "")
    if test and level is not Level.SELF:
        raise _EntryError(name, "test", short(test), "only at level self; scenarios prove the others")
    if not isinstance(test, str):
        raise _EntryError(
            name, "test", short(test), "the name of a test, as in tests/test_x.py::test_it_holds"
        )
    return Requirement(
        id=str(id_),
        level=level,
        profile=_one_of(Profile, name, "profile", entry["profile"]),
        words=words,
        source=tuple(source),
        test=test,
    )


def _check_keys(
    entry: str, table: dict[str, Any], allowed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    for key in table:
        if key not in allowed:
            raise _EntryError(entry, key, "an unknown key", ", ".join(allowed) + _did_you_mean(key, allowed))
    for key in allowed:
        if key not in table and key not in optional:
            needed = ", ".join(one for one in allowed if one not in optional)
            raise _EntryError(entry, key, "nothing, the key is missing", f"each of {needed}")


def _one_of(kind: type[_Kind], entry: str, key: str, value: Any) -> _Kind:
    try:
        return kind(value)
    except ValueError:
        names = [str(each) for each in kind]
        allowed = ", ".join(names) + _did_you_mean(str(value), names)
        raise _EntryError(entry, key, repr(value), allowed) from None


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value.splitlines()) == 1


def _did_you_mean(name: str, candidates: Iterable[str]) -> str:
    near = closest(name, candidates)
    return f" (did you mean {near!r}?)" if near else ""
