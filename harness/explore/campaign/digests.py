"""Digests of a target and of this harness: what has the same digest on two machines is the same."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import fake_instances
import harness
from harness.adapters.loading import load_adapters
from harness.catalogue.features import features_root
from harness.explore.campaign.units import Campaign
from harness.targets.reader import target_path

if TYPE_CHECKING:
    from collections.abc import Iterable

_LENGTH = 16
_CODE = ("*.py", "*.toml")


def campaign_of(target: str, database: str, seed: int) -> Campaign:
    """Return the campaign of this harness on a target, by name or path, and on a kind of database.

    Raises:
        TargetError: there is no such target, or its adapter cannot be loaded.
    """
    return Campaign(target_digest(target), harness_digest(), database, seed)


def target_digest(name_or_path: str) -> str:
    """Return the digest of a target: its file and that of its adapter, not the implementation itself."""
    file = target_path(name_or_path)
    content = tomllib.loads(file.read_text("utf-8"))
    files = [file]
    if adapter := content.get("implementation", {}).get("adapter"):
        files.append(load_adapters(adapter, file.parent).file)
    return _digest((one.name, one) for one in files)


@cache
def harness_digest() -> str:
    """Return the digest of all that makes up, carries out and judges a story."""
    named = [("requirements.toml", features_root() / "requirements.toml")]
    for package in (harness, fake_instances):
        root = Path(str(package.__file__)).parent
        files = {one.relative_to(root).as_posix(): one for kind in _CODE for one in root.rglob(kind)}
        # An installed harness has the features inside, a checkout beside it.
        named += sorted(
            (f"{root.name}/{name}", one) for name, one in files.items() if not name.startswith("features/")
        )
    return _digest(named)


def _digest(named: Iterable[tuple[str, Path]]) -> str:
    made = hashlib.sha256()
    for name, file in named:
        content = file.read_bytes()
        made.update(f"{name} {len(content)}\n".encode())
        made.update(content)
    return made.hexdigest()[:_LENGTH]
