"""Skeletons of implementations: what `init --template` writes, each with its target file and a checklist."""

from __future__ import annotations

import json
from importlib import resources
from textwrap import fill
from typing import TYPE_CHECKING

from harness.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

FIRST: Mapping[str, tuple[str, ...]] = {
    "fastapi": ("pip install -r requirements.txt",),
    "express": ("npm install",),
    "laravel": (
        "mv app skeleton && composer create-project laravel/laravel app && cp -R skeleton/. app && rm -R skeleton",
        "(cd app && php artisan install:api --no-interaction)",
        "echo \"require __DIR__.'/sync.php';\" >> app/routes/api.php",
    ),
    "gateway": (),
}
"""By the name of a template, the commands that are to be run once in its folder before it starts."""
NEEDS: Mapping[str, str] = {
    "laravel": (
        "It does not start by itself: it is a controller and its routes, and Composer makes the Laravel application "
        "around them. That needs PHP, Composer and a network."
    ),
}
"""By the name of a template, why it does not start as it is written, where it does not."""
_NOTHING_FIRST = "It needs Node.js 20 or newer, and nothing else."
_CHECKLIST = "CHECKLIST.md"
_WIDTH = 110
_ENDING = ".skeleton"
_NAME = "@NAME@"


def write_template(template: str, name: str, folder: Path) -> Path:
    """Write a skeleton into a folder, and return its target file. Nothing that exists is overwritten."""
    texts = {folder / path: text.replace(_NAME, _safe(name)) for path, text in _files(template)}
    texts[folder / _CHECKLIST] = _checklist(template, name)
    if there := [str(path) for path in texts if path.exists()]:
        raise TargetError(f"{there[0]} exists, and is not overwritten; choose another folder with --output")
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as problem:
        raise TargetError(f"{folder} cannot be written: {problem.strerror}") from None
    return folder / "target.toml"


def _checklist(template: str, name: str) -> str:
    about = "gateway.md" if template == "gateway" else "control_plane.md"
    text = resources.files(__name__).joinpath(about).read_text("utf-8")
    commands = "\n".join(f"    {one}" for one in FIRST[template])
    first = f"First, in this folder, once:\n\n{commands}\n" if commands else f"{_NOTHING_FIRST}\n"
    if needs := NEEDS.get(template):
        first = f"{fill(needs, _WIDTH)}\n\n{first}"
    return text.replace(_NAME, _safe(name)).replace("@FIRST@", first)


def _safe(name: str) -> str:
    # It stands between quotes, in TOML and in programs alike.
    return json.dumps("".join(one for one in name if one.isprintable() and one not in '"\\'))[1:-1]


def _files(template: str) -> Iterator[tuple[str, str]]:
    root = resources.files(__name__) / template
    yield from _below(root, "")


def _below(folder: Traversable, place: str) -> Iterator[tuple[str, str]]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _below(one, f"{place}{one.name}/")
        elif one.name.endswith(_ENDING):
            yield f"{place}{one.name.removesuffix(_ENDING)}", one.read_text("utf-8")
