"""Finds the adapter that a target file names, and loads it. A mistake in it is a TargetError with file and line."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.adapters.base import Adapter, ControlPlaneAdapter, GatewayAdapter, overrides
from harness.catalogue.features import catalogue
from harness.catalogue.requirements import Profile, closest
from harness.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.catalogue.requirements import Catalogue

BUILT_IN = {"waha": "waha.py", "evolution_api": "evolution_api.py"}
"""The adapters that come with the harness, by the name that a target file gives."""

WORDS = {
    "signatures": (
        "AUTH-02",
        "AUTH-03",
        "AUTH-04",
        "AUTH-05",
        "AUTH-06",
        "AUTH-12",
        "AUTH-13",
        "INSTANCE-02",
    ),
    "timestamps": ("AUTH-04", "AUTH-05", "AUTH-06", "AUTH-12"),
    "locations": ("INSTANCE-01", "INSTANCE-07"),
    "retries": ("INSTANCE-06",),
    "workspaces": ("WEBHOOK-14", "WEBHOOK-16: Whoever announces a session of another workspace is told"),
    "types": ("SEND-01: The type of a message is handed on",),
}
"""What an adapter may declare not applicable in one word, and the requirements that it stands for.

Of a requirement that means something else besides, only a scenario is named.
"""

_TOGETHER = (("write_row", "read_row", "remove_rows"), ("asked", "answered"))
_Kind = TypeVar("_Kind", bound=Adapter)


@dataclass(frozen=True)
class Adapters:
    """What one adapter file has. `not_applicable` maps requirement ids to the reason that it states."""

    file: Path
    control_plane: type[ControlPlaneAdapter] | None = None
    gateway: type[GatewayAdapter] | None = None
    not_applicable: Mapping[str, str] = field(default_factory=dict)

    def applying(self, *, gateways: bool) -> Mapping[str, str]:
        """Return what is not applicable; of gateway instances only where it is they that are judged through this."""
        known = catalogue()
        return {
            id_: why
            for id_, why in self.not_applicable.items()
            if gateways or not _is_about(known, id_, about_instances=True)
        }


def load_adapters(name: str, folder: Path) -> Adapters:
    """Load an adapter by the name of a built-in one, or by its path from a folder.

    Raises:
        TargetError: there is none, it cannot be loaded, or it says something wrong.
    """
    key = name.replace("-", "_")
    file = Path(__file__).parent / BUILT_IN[key] if key in BUILT_IN else (folder / name).absolute()
    if not file.is_file():
        names = ", ".join(BUILT_IN)
        raise TargetError(f"there is no file {file}; give its path, relative to this file, or one of {names}")
    module = _run(file)
    control_plane = _only(file, module, ControlPlaneAdapter)
    gateway = _only(file, module, GatewayAdapter)
    if control_plane is None and gateway is None:
        raise TargetError(
            f"{file} has no adapter: write a class that derives from ControlPlaneAdapter or GatewayAdapter of "
            "harness.adapters"
        )
    known, reasons = catalogue(), dict[str, str]()
    for kind in (control_plane, gateway):
        if kind is not None:
            _check_names(file, kind)
            about_instances = kind is gateway
            for id_, why in _not_applicable(file, kind, known, about_instances=about_instances):
                reasons[id_] = why
    return Adapters(file, control_plane, gateway, reasons)


def place_in(file: Path, problem: BaseException) -> str:
    """Return what went wrong in an adapter, with the line in its file where it did."""
    told = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
    if isinstance(problem, SyntaxError):
        return f"{file}:{problem.lineno}: {told}"
    frames = traceback.extract_tb(problem.__traceback__)
    mine = [one for one in frames if one.filename == str(file)] or frames[-1:]
    return f"{mine[-1].filename}:{mine[-1].lineno}: in {mine[-1].name}: {told}" if mine else f"{file}: {told}"


def _run(file: Path) -> Any:
    name = f"instance_sync_adapter_{file.stem}_{abs(hash(str(file)))}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise TargetError(f"{file} is no Python file: its name must end with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - whatever it is, it is the adapter's
        del sys.modules[name]
        raise TargetError(f"the adapter cannot be loaded: {place_in(file, problem)}") from None
    return module


def _only(file: Path, module: Any, base: type[_Kind]) -> type[_Kind] | None:
    found = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, base) and one.__module__ == module.__name__
    ]
    # One that derives from another of the same file is the one that is meant.
    last = [one for one in found if not any(other is not one and issubclass(other, one) for other in found)]
    if len(last) > 1:
        names = " and ".join(one.__name__ for one in last)
        raise TargetError(f"{file} has several classes that derive from {base.__name__}: {names}; keep one")
    return last[0] if last else None


def _check_names(file: Path, kind: type[Adapter]) -> None:
    base = ControlPlaneAdapter if issubclass(kind, ControlPlaneAdapter) else GatewayAdapter
    hooks = [name for name in dir(base) if not name.startswith("_")]
    for name in vars(kind):
        if not name.startswith("_") and name not in hooks and (meant := closest(name, hooks)):
            raise TargetError(
                f"{file}: {kind.__name__}.{name} is no hook; did you mean {meant}? "
                "A function of your own is told apart by an underscore before its name"
            )
    for together in _TOGETHER:
        own = [name for name in together if overrides(kind, name)]
        if own and len(own) < len(together):
            missing = ", ".join(name for name in together if name not in own)
            raise TargetError(f"{file}: {kind.__name__} has {', '.join(own)} and so needs {missing} too")


def _not_applicable(
    file: Path, kind: type[Adapter], known: Catalogue, *, about_instances: bool
) -> Iterator[tuple[str, str]]:
    declared, where = kind.not_applicable, f"{file}: {kind.__name__}.not_applicable"
    if not isinstance(declared, dict):
        raise TargetError(f'{where} must be a dict, such as {{"signatures": "does not sign its webhooks"}}')
    for name, why in declared.items():
        if not isinstance(why, str) or not why.strip():
            raise TargetError(f"{where}: {name!r} needs a reason, as a text")
        words = {
            word: ids
            for word, every in WORDS.items()
            if (ids := [one for one in every if _is_about(known, one, about_instances=about_instances)])
        }
        ids = words.get(name, [name])
        for id_ in ids:
            if name not in words and (id_ not in known or not known[id_].judged):
                guess = closest(str(name), (*words, *known))
                meant = f"; did you mean {guess}?" if guess else ""
                raise TargetError(
                    f"{where}: {name!r} is no requirement{meant}; write its id, or one of {', '.join(words)}"
                )
            if not _is_about(known, id_, about_instances=about_instances):
                other = "a control plane" if about_instances else "gateway instances"
                raise TargetError(f"{where}: {id_} is about {other}, and this adapter is not")
            yield id_, " ".join(why.split())


def _is_about(known: Catalogue, id_: str, *, about_instances: bool) -> bool:
    return (known[id_.partition(":")[0]].profile is Profile.INSTANCE) == about_instances
