"""An adapter is loaded, or its mistake is told with file and line; what is not applicable is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.adapters.loading import BUILT_IN, load_adapters
from harness.errors import TargetError
from harness.targets.reader import load_target, read_target
from tests.harness.targets.test_target import SMALLEST

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "from harness.adapters import ControlPlaneAdapter, GatewayAdapter\n"
GATE = f"{HEAD}class Gate(GatewayAdapter):\n"
ACME = f"{HEAD}class Acme(ControlPlaneAdapter):\n"

INSTANCE = '[instance]\ncommand = ["true"]\nconnect = { url = "{url}/connect" }\n'

MISTAKES = {
    "1 +": "adapter.py:1: SyntaxError",
    "import nowhere_to_be_found": "adapter.py:1: in <module>: ModuleNotFoundError",
    "raise SystemExit(3)": "adapter.py:1: in <module>: SystemExit: 3",
    "x = 1": "has no adapter",
    f"{ACME}    pass\nclass Other(ControlPlaneAdapter):\n    pass": "Acme and Other; keep one",
    f"{ACME}    def sent(self): pass": "Acme.sent is no hook; did you mean send?",
    f"{ACME}    def write_row(self, row): pass": "has write_row and so needs read_row, remove_rows too",
    f"{ACME}    def asked(self, call): pass": "has asked and so needs answered too",
    f"{ACME}    not_applicable = ['signatures']": "not_applicable must be a dict",
    f"{ACME}    not_applicable = {{'signatures': ' '}}": "'signatures' needs a reason",
    f"{ACME}    not_applicable = {{'signature': 'no'}}": "'signature' is no requirement; did you mean signatures?",
    f"{ACME}    not_applicable = {{'AUTH-99': 'no'}}": "'AUTH-99' is no requirement",
    f"{ACME}    not_applicable = {{'AUTH-10': 'no'}}": "'AUTH-10' is no requirement",
    f"{ACME}    not_applicable = {{'INSTANCE-02': 'no'}}": "INSTANCE-02 is about gateway instances, and this",
    f"{GATE}    not_applicable = {{'AUTH-02': 'no'}}": "AUTH-02 is about a control plane",
}


def file(folder: Path, text: str) -> Path:
    path = folder / "adapter.py"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    file(tmp_path, text)
    with pytest.raises(TargetError) as problem:
        load_adapters("adapter.py", tmp_path)
    assert MISTAKES[text] in str(problem.value)


def test_a_target_file_names_its_adapter_and_the_line_of_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(SMALLEST.replace("[implementation]", '[implementation]\nadapter = "adapter.py"'), "utf-8")
    with pytest.raises(
        TargetError, match=r"acme\.toml:3: implementation\.adapter: there is no file .*adapter\.py"
    ):
        read_target(path)
    file(tmp_path, f"{ACME}    not_applicable = {{'timestamps': 'signs  no\\n moment'}}")
    target = read_target(path)
    assert target.adapter is not None
    assert target.not_applicable == dict.fromkeys(
        ["AUTH-04", "AUTH-05", "AUTH-06", "AUTH-12"], "signs no moment"
    )


def test_what_is_not_applicable_to_gateways_counts_only_where_they_are_attached(tmp_path: Path) -> None:
    file(tmp_path, f"{HEAD}class Acme(GatewayAdapter):\n    not_applicable = {{'signatures': 'unsigned'}}\n")
    path = tmp_path / "acme.toml"
    path.write_text(SMALLEST.replace("[implementation]", '[implementation]\nadapter = "adapter.py"'), "utf-8")
    assert read_target(path).not_applicable == {}
    path.write_text(path.read_text("utf-8") + INSTANCE, "utf-8")
    target = read_target(path)
    assert target.not_applicable == {"INSTANCE-02": "unsigned"}
    assert target.gateway is not None
    assert target.gateway.not_applicable == target.not_applicable


def test_an_instance_needs_a_way_to_connect_sessions(tmp_path: Path) -> None:
    file(tmp_path, f"{ACME}    pass")
    path = tmp_path / "acme.toml"
    path.write_text(SMALLEST + '[instance]\ncommand = ["true"]\n', "utf-8")
    with pytest.raises(TargetError, match=r"instance\.connect: is missing; add it under \[instance\]"):
        read_target(path)
    text = path.read_text("utf-8").replace("[implementation]", '[implementation]\nadapter = "adapter.py"')
    path.write_text(text, "utf-8")
    with pytest.raises(TargetError, match=r"does not connect sessions, so \[instance\] must"):
        read_target(path)


@pytest.mark.parametrize("name", BUILT_IN)
def test_those_that_come_with_the_harness_load(name: str, tmp_path: Path) -> None:
    adapters = load_adapters(name, tmp_path)
    assert adapters.control_plane is not None
    assert adapters.gateway is not None


def test_a_target_without_an_adapter_has_none() -> None:
    assert load_target("reference").adapter is None
