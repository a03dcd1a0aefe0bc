"""Reads a target file (contract, section 7): its TOML into the models, and these into the contract's Target.

A mistake is a TargetError that names the file, the line, the key, what was found and what is allowed.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.adapters.base import overrides
from harness.adapters.loading import load_adapters
from harness.catalogue.requirements import closest
from harness.contract import Operations, SendTarget, Target
from harness.errors import TargetError
from harness.gateway_contract import Canned, GatewayTarget, Hook
from harness.targets.gateways import CannedTable, HookTable, Instance
from harness.targets.models import Launch, TargetFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.adapters.loading import Adapters
    from harness.targets.section import Section

FAKE_GATEWAY = "fake-gateway"
"""The built-in target whose gateway instances are judged if a target has none."""
BUILT_IN = Path(__file__).parent
_HEADER = re.compile(r"\s*\[(\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_MISSING = ("missing", "too_short")
"""The names that pydantic has for a key that is not given, or is empty."""


def built_in_targets() -> tuple[str, ...]:
    """Return the names of the targets that come with the harness."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def load_target(name_or_path: str) -> Target:
    """Read a target by the name of a built-in one, or by the path of a target file; TargetError if there is none."""
    return read_target(target_path(name_or_path))


def target_path(name_or_path: str) -> Path:
    """Return the file of a target; TargetError if there is none."""
    if name_or_path in built_in_targets():
        return BUILT_IN / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if not path.is_file():
        names = ", ".join(built_in_targets())
        guess = closest(name_or_path, built_in_targets())
        meant = f" (did you mean {guess}?)" if guess else ""
        raise TargetError(
            f"there is no target {name_or_path!r}{meant}: give {names}, or the path of a target file"
        )
    return path


def read_target(path: Path) -> Target:
    """Read a target file; TargetError if it has a mistake."""
    try:
        text = path.read_text("utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise TargetError(f"{path}: {problem}") from None
    try:
        file = TargetFile.model_validate(content)
    except ValidationError as problem:
        # What is missing comes last: something else may be wrong because of the same misspelt name.
        errors = sorted(problem.errors(include_url=False), key=lambda one: one["type"] in _MISSING)
        raise _error(path, text, *_mistake(errors[0])) from None
    for section, table in (("launch", file.launch), ("instance", file.instance)):
        if table is not None and not (folder := _folder(path, table)).is_dir():
            words = f"there is no folder {folder}; it is relative to this file"
            raise _error(path, text, f"{section}.directory", words)
    try:
        adapters = _adapters(file, path)
    except TargetError as problem:
        raise _error(path, text, "implementation.adapter", str(problem)) from None
    return _target(file, path, adapters)


def _adapters(file: TargetFile, path: Path) -> Adapters | None:
    """Load the adapter that a file names, if it names one; TargetError if it is not one for what it attaches."""
    if not (name := file.implementation.adapter):
        return None
    adapters = load_adapters(name, path.parent)
    connects = adapters.gateway is not None and overrides(adapters.gateway, "connect")
    if file.instance is not None and file.instance.connect is None and not connects:
        raise TargetError(
            f"{adapters.file} does not connect sessions, so [instance] must: write [instance.connect]"
        )
    return adapters


def _mistake(error: Mapping[str, Any]) -> tuple[str, str, int]:
    """Return the dotted key of a mistake, what is wrong with it, and in which of several tables it is, from 0."""
    which = next((one for one in error["loc"] if isinstance(one, int)), 0)
    key, words = _key_and_words(error)
    return key, f"{words} (table {which + 1} of these)" if which else words, which


def _key_and_words(error: Mapping[str, Any]) -> tuple[str, str]:
    where = [one for one in error["loc"] if isinstance(one, str)]
    if error["type"] == "value_error":
        wrong = error["ctx"]["error"]
        return ".".join([*where, wrong.key] if wrong.key else where), str(wrong)
    key, section = ".".join(where), ".".join(where[:-1])
    if error["type"] in _MISSING:
        return key, f"is missing; add it under [{section}]"
    return key, f"is a section: write [{key}] and its keys below"


def _error(path: Path, text: str, key: str, words: str, which: int = 0) -> TargetError:
    line = _line_of(text, key, which)
    return TargetError(f"{path if line is None else f'{path}:{line}'}: {key}: {words}")


def _target(file: TargetFile, path: Path, adapters: Adapters | None) -> Target:
    """Make the contract's Target: a key fills the field of its own name, or of its section's and its own."""
    known, values = {one.name for one in fields(Target)}, dict[str, Any]()
    for name in ("implementation", "launch", "http", "webhook", "state", "log", "timing"):
        for key, value in _values(getattr(file, name)).items():
            if (field := key if key in known else f"{name}_{key}") in known:
                values[field] = value
    status, having = file.send.succeeded.status, file.send.succeeded.having
    one_of_many = "{" in file.log.file or "*" in file.log.file
    gateway = None
    if file.instance is not None:
        adapted = (
            {}
            if adapters is None
            else {
                "adapter": adapters.gateway,
                "not_applicable": adapters.applying(gateways=True),
            }
        )
        gateway = GatewayTarget(
            **_values(file.instance) | {"directory": _folder(path, file.instance)} | adapted
        )
    elif "instance" in file.implementation.claims:
        gateway = load_target(FAKE_GATEWAY).gateway
    return Target(
        **values
        | {
            "directory": _folder(path, file.launch),
            "log": file.log.via,
            # One whose name says all is looked for by that name, and the doctor says whether it is there.
            "log_file": Path(_log_file(path, file.log.file)) if file.log.file and not one_of_many else None,
            "log_files": tuple(
                _log_file(path, one) for one in (file.log.files or ([file.log.file] if one_of_many else []))
            ),
            "send": SendTarget(
                file.send.method,
                file.send.path,
                file.send.headers,
                file.send.body,
                (status[0], status[1]),
                having,
            ),
            "operations": Operations(
                file.health_check.path,
                tuple(file.health_check.command),
                tuple(file.health_check.dry_run),
                file.monitoring.path,
                file.monitoring.metrics,
            ),
            "gateway": gateway,
            "adapter": None if adapters is None else adapters.control_plane,
            "not_applicable": {}
            if adapters is None
            else adapters.applying(gateways=file.instance is not None),
        }
    )


def _values(section: Section) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in section:
        match value:
            case [HookTable(), *_]:
                first, *then = (Hook(**call.model_dump()) for call in value)
                values[name] = replace(first, then=tuple(then))
            case list():
                values[name] = tuple(_entry(one) for one in value)
            case None:
                pass  # the contract's own default
            case _:
                values["environment" if name == "env" else name] = value
    return values


def _entry(one: Any) -> Any:
    match one:
        case CannedTable():
            return Canned(**one.model_dump())
        case list():
            return tuple(one)
        case _:
            return one


def _log_file(path: Path, name: str) -> str:
    return name if name.startswith("{") else str((path.parent / name).absolute())


def _folder(path: Path, section: Launch | Instance) -> Path:
    return (path.parent / section.directory).absolute()


def _line_of(text: str, key: str, which: int) -> int | None:
    """Return the line of a dotted key, counted from 1, or of what is nearest around it; None without any.

    `which` of several tables of one name it is in, from 0.
    """
    wanted = key.strip("[]").split(".")
    found: tuple[int, int] | None = None
    section: list[str] = []
    tables = Counter[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            here = section = _parts(header[2])
            if header[1]:
                tables[header[2]] += 1
                if tables[header[2]] != which + 1:
                    here = section = []
        else:
            name, equals, _ = line.partition("=")
            here = [*section, *_parts(name)] if equals else []
        matched = len(here) if here == wanted[: len(here)] else 0
        if matched and (found is None or matched > found[0]):
            found = matched, number
    return None if found is None else found[1]


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in name.split(".")]
