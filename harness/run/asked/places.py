"""Which scenarios a path given to pytest means: a feature file and a folder of features are none of pytest's own."""

from __future__ import annotations

import shlex
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bdd.scenario import make_python_name

from harness.catalogue.features import features_root, read_suite
from harness.catalogue.tally import BINDING
from harness.errors import TargetError
from harness.targets.reader import built_in_targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FEATURES = "features"


def places_below(root: Path) -> list[str]:
    """Return every folder and file of features, relative to the folder of all."""
    files = [path.relative_to(root) for path in sorted(root.rglob("*.feature"))]
    folders = {str(path.parent) for path in files if path.parent != Path()}
    return [*sorted(folders), *map(str, files)]


def collected_for(given: Sequence[str], here: Path) -> list[str]:
    """Return what pytest is to collect for the paths that it was given, in a folder.

    Raises:
        TargetError: it is to collect features, and they are not there.
    """
    return [one for path in given for one in _for(path, here)]


def _for(given: str, here: Path) -> Iterator[str]:
    name, _, test = given.partition("::")
    path, root = (here / name).resolve(), features_root().resolve()
    if not path.exists() and Path(name).parts[:1] == (_FEATURES,):
        raise TargetError(
            f"there is no {name} in {here}; stand in the folder of the checkout, which has {_FEATURES}/, or take "
            "instance-sync verify, which finds the features wherever you stand"
        )
    if (
        test
        or path == root
        or not (path.is_relative_to(root) and (path.is_dir() or path.suffix == ".feature"))
    ):
        yield given
        return
    found = [one for one in read_suite(root) if (root / one.file).is_relative_to(path)]
    if not found:
        raise TargetError(f"{name} has no scenario in it")
    for scenario in found:
        yield f"{root / BINDING}::test_{make_python_name(scenario.name)}"


def judged_by(given: Sequence[str], here: Path) -> list[str]:
    """Return what `verify` judges by: all features, or those among these paths, and any suite of the user's own.

    Raises:
        TargetError: one of the paths is neither, or is a target.
    """
    root = features_root().resolve()
    found = {one: _among(one, here, root) for one in given}
    for one, place in found.items():
        if not place and (one in built_in_targets() or (one.endswith(".toml") and (here / one).is_file())):
            raise TargetError(
                f"{one} is a target, and none of the features: write --target {shlex.quote(one)}"
            )
        if not place and not (here / one.partition("::")[0]).exists():
            raise TargetError(_lost(one, here, places_below(root)))
    narrow = [place for place in found.values() if place]
    return [*(narrow or [str(root)]), *(one for one, place in found.items() if not place)]


def _among(given: str, here: Path, root: Path) -> str:
    """Return the whole path of features, given from where the user stands or from their folder; empty if none."""
    name, colons, test = given.partition("::")
    below = name.removeprefix(_FEATURES).lstrip("/") if Path(name).parts[:1] == (_FEATURES,) else name
    for path in (here / name, root / name, root / below):
        if name and path.exists() and path.resolve().is_relative_to(root):
            return f"{path.resolve()}{colons}{test}"
    return ""


def _lost(given: str, here: Path, known: Sequence[str]) -> str:
    close = get_close_matches(given.removeprefix(f"{_FEATURES}/"), known, n=1)
    folders = ", ".join(one for one in known if "." not in one)
    hint = f"did you mean {close[0]}?" if close else f"the features are in {folders}"
    return f"there is no {given}, in {here} or among the features; {hint}"
