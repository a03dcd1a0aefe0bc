"""docs/target-file.md lists the keys of the models in harness/targets, with their types and defaults."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, get_args

import pytest

from harness.errors import TargetError
from harness.targets.gateways import CannedTable, HookTable
from harness.targets.models import Succeeded, TargetFile
from tests.docs import DOCS
from tests.harness.targets.test_target import SMALLEST, read, with_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.targets.section import Section


_ROW = re.compile(r"^\| `([a-z_.]+)` \| ([^|]+) \| ((?:`[^`]*`|[^|`])+) \| .+ \|$", re.MULTILINE)
_PAGE = (DOCS / "target-file.md").read_text("utf-8").replace("| part of a hook |", "## [hook]\n")
_PAGE = _PAGE.replace("| part of an answer |", "## [answer]\n")
ROWS = [
    (*f"{section}.{key}".split(".", 1), kind, default)
    for section, text in (part.split("]\n", 1) for part in re.split(r"^## \[", _PAGE, flags=re.MULTILINE)[1:])
    for key, kind, default in _ROW.findall(text)
]
TEXT = SMALLEST + '[instance]\ncommand = ["true"]\nconnect = { url = "{url}/connect" }\n'
SECTIONS = {
    name: next(one for one in (field.annotation, *get_args(field.annotation)) if isinstance(one, type))
    for name, field in TargetFile.model_fields.items()
}
PARTS = ("hook", "answer")
"""Of what tables of [instance] are made."""
NEEDS = {
    "health_check.command": 'via = "command"',
    "health_check.dry_run": 'via = "command"\ncommand = ["check"]',
}
"""What a key needs beside it."""


def keys(model: type[Section]) -> Iterator[tuple[str, str]]:
    """Find a model's keys with the words for their types; what stands within a table has the table's name before."""
    for (key, kind), field in zip(model.kinds().items(), model.model_fields.values(), strict=True):
        yield key, kind.removeprefix("a ").removeprefix("number of ")
        if field.annotation is Succeeded:
            yield from ((f"{key}.{inner}", its) for inner, its in keys(Succeeded))


DECLARED = {
    (name, key): kind
    for name, model in [*SECTIONS.items(), ("hook", HookTable), ("answer", CannedTable)]
    for key, kind in keys(model)
}


def test_the_page_lists_every_key_once_with_its_type() -> None:
    listed = {(section, key): kind for section, key, kind, _ in ROWS}
    assert listed == DECLARED
    assert len(listed) == len(ROWS)


@pytest.mark.parametrize(
    ("name", "key", "default"),
    [(*row[:2], row[3].strip("`")) for row in ROWS if row[3][0] == "`" and row[0] not in PARTS],
)
def test_a_default_of_the_page_is_what_leaving_the_key_out_means(
    name: str, key: str, default: str, tmp_path: Path
) -> None:
    beside, file = NEEDS.get(f"{name}.{key}", ""), tmp_path / "acme.toml"
    said = read(file, with_line(name, f"{beside}\n{key} = {default}", TEXT))
    assert said == read(file, with_line(name, beside, TEXT))


@pytest.mark.parametrize(
    ("name", "key"), [row[:2] for row in ROWS if row[3] == "must be given" and row[0] not in PARTS]
)
def test_a_key_that_must_be_given_cannot_be_left_out(name: str, key: str, tmp_path: Path) -> None:
    before, header, after = TEXT.partition(f"[{name}]")
    lacking = before + header + re.sub(rf"(?m)^{key} = .*$", "", after, count=1)
    with pytest.raises(TargetError, match=re.escape(f"{name}.{key}: is missing")):
        read(tmp_path / "acme.toml", lacking)


def test_every_example_in_the_pages_has_keys_that_exist() -> None:
    for path in sorted([*DOCS.glob("*.md"), DOCS.parent / "README.md"]):
        for example in re.findall(r"^```toml\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            for name, keys in tomllib.loads(example).items():
                for key in keys:
                    assert (name, key) in DECLARED, f"{path.name}: [{name}] {key}"
