"""docs/target-file.md names the keys that the reader of target files accepts, with their types and defaults."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from harness.targets import file as target
from harness.targets import gateway_section
from harness.targets import keys as target_keys
from harness.targets.file import TargetError, read_target
from tests.docs import DOCS

if TYPE_CHECKING:
    from pathlib import Path

_ROW = re.compile(r"^\| `([a-z_.]+)` \| ([^|]+) \| ((?:`[^`]*`|[^|`])+) \| .+ \|$", re.MULTILINE)
_PAGE = (DOCS / "target-file.md").read_text("utf-8")
_SECTIONS = dict(part.split("]\n", 1) for part in re.split(r"^## \[", _PAGE, flags=re.MULTILINE)[1:])
_PARTS_OF_A_HOOK = "| part of a hook |"
ROWS = [
    (name, key, kind, default)
    for name, text in _SECTIONS.items()
    for key, kind, default in _ROW.findall(text.split(_PARTS_OF_A_HOOK)[0])
]
WITHIN = {"send": {"succeeded.status", "succeeded.json"}}
"""Keys of tables, which the reader checks by themselves."""
SMALLEST: dict[str, dict[str, str]] = {
    "implementation": {"name": '"acme"'},
    "launch": {"command": '["true"]'},
    "instance": {"command": '["true"]', "connect": '{ url = "{url}/connect" }'},
}
NEEDS = {
    "health_check.command": {"via": '"command"'},
    "health_check.dry_run": {"via": '"command"', "command": '["check"]'},
}
"""What a key needs beside it."""


def written(folder: Path, sections: dict[str, dict[str, str]]) -> target.Target:
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name}]", *(f"{key} = {value}" for key, value in keys.items())]
    file = folder / "acme.toml"
    file.write_text("\n".join(lines), "utf-8")
    return read_target(file)


def with_keys(name: str, keys: dict[str, str]) -> dict[str, dict[str, str]]:
    return SMALLEST | {name: SMALLEST.get(name, {}) | keys}


def defaults() -> list[tuple[str, str, str]]:
    return [
        (name, key, default.strip("`"))
        for name, key, _, default in ROWS
        if re.fullmatch(r"`[^`]+`", default) and key not in WITHIN.get(name, ())
    ]


def test_the_page_names_the_keys_that_the_reader_accepts() -> None:
    accepted = {(name, key) for name, keys in target_keys.KEYS.items() for key in keys}
    within = {(name, key) for name, keys in WITHIN.items() for key in keys}

    assert {(name, key) for name, key, _, _ in ROWS} == accepted | within


def test_the_page_names_each_key_once() -> None:
    keys = [(name, key) for name, key, _, _ in ROWS]
    assert sorted(set(keys)) == sorted(keys)


def test_the_page_gives_the_types_that_the_reader_checks() -> None:
    told = {(name, key): kind for name, key, kind, _ in ROWS if key not in WITHIN.get(name, ())}
    checked = {
        (name, key): kind.removeprefix("a ").removeprefix("number of ")
        for name, keys in target_keys.KEYS.items()
        for key, kind in keys.items()
    }
    assert told == checked


def test_the_page_names_the_parts_of_a_hook() -> None:
    parts = _ROW.findall(_SECTIONS["instance"].split(_PARTS_OF_A_HOOK)[1])
    assert tuple(key for key, _, _ in parts) == gateway_section._KEYS


@pytest.mark.parametrize(("name", "key", "default"), defaults())
def test_a_default_of_the_page_is_what_leaving_the_key_out_means(
    name: str, key: str, default: str, tmp_path: Path
) -> None:
    beside = NEEDS.get(f"{name}.{key}", {})

    said = written(tmp_path, with_keys(name, beside | {key: default}))

    assert said == written(tmp_path, with_keys(name, beside))


def test_a_message_counts_as_sent_by_the_two_parts_that_the_page_gives(tmp_path: Path) -> None:
    parts = {key: default for name, key, _, default in ROWS if key in WITHIN.get(name, ())}
    text = ", ".join(f"{key.removeprefix('succeeded.')} = {value.strip('`')}" for key, value in parts.items())

    said = written(tmp_path, with_keys("send", {"succeeded": f"{{ {text} }}"}))

    assert said == written(tmp_path, SMALLEST)


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, key, _, default in ROWS if default == "must be given"]
)
def test_a_key_that_must_be_given_cannot_be_left_out(name: str, key: str, tmp_path: Path) -> None:
    lacking = {
        one: {k: v for k, v in keys.items() if (one, k) != (name, key)} for one, keys in SMALLEST.items()
    }

    with pytest.raises(TargetError, match=re.escape(f"{name}.{key}: is missing")):
        written(tmp_path, lacking)


def test_every_example_in_the_pages_can_be_read() -> None:
    for path in sorted([*DOCS.glob("*.md"), DOCS.parent / "README.md"]):
        for example in re.findall(r"^```toml\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            for name, keys in tomllib.loads(example).items():
                assert keys.keys() <= target_keys.KEYS[name].keys(), f"{path.name}: [{name}] {keys}"
