"""Each scenario of the core convicts a known-bad implementation, by its own assertion."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from gherkin.parser import Parser
from pytest_bdd.scenario import make_python_name

from harness.requirements import Level, Profile
from harness.suite import catalogue, features_root, read_suite
from tests.mutants.registry import UNCHANGED, Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Iterator

LAUNCHER = Path(__file__).with_name("run.py")
CORE = [one for one in read_suite(features_root()) if one.folder == "core"]
CORE_MUTANTS = [one for one in mutants().values() if catalogue()[one.requirement].profile is Profile.CORE]
CRASH = re.compile(r"implementation → (user|instance \d+): 500\b")
PATIENCE = 120

TARGET = """\
[implementation]
name = "{name}"
claims = ["core"]

[launch]
command = [{command}]

[webhook]
asynchronous = {asynchronous}

[timing]
settle_seconds = 0.3
"""


@dataclass(frozen=True)
class Run:
    """What one run of the features came to; scenarios are named as mutants name them."""

    exit_code: int
    output: str
    conclusion: str
    ran: frozenset[str]
    convicted: frozenset[str]
    """Those that failed by a ConformanceFailure."""
    crashed: frozenset[str]
    """Those among them in which the implementation answered 500."""
    otherwise: dict[str, str]
    """What the others said that did not pass."""


def _fleet() -> list[str]:
    """Give each run instances of its own: an address for each worker, where there are several, and free ports."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    host = f"127.0.0.{70 + int(worker)}"
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            host = "127.0.0.1"
    return ["--fleet-address", host, "--fleet-ports", "free"]


def _judge(name: str, folder: Path, *options: str, asynchronous: bool = False) -> Run:
    target, results = folder / "target.toml", folder / "results.xml"
    command = ", ".join(f"'{word}'" for word in (sys.executable, str(LAUNCHER), name))
    target.write_text(
        TARGET.format(name=name, command=command, asynchronous=str(asynchronous).lower()), "utf-8"
    )
    words = [
        sys.executable,
        "-m",
        "pytest",
        str(features_root()),
        "--target",
        str(target),
        *options,
        *_fleet(),
    ]
    words += ["-q", "-p", "no:cacheprovider", "-p", "pytest_bdd.plugin", "-p", "harness.plugin"]
    words.append(f"--junitxml={results}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # There are many runs: they load the plugins that they need, and compile nothing twice.
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ended = subprocess.run(
        words, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment
    )
    output = ended.stdout + ended.stderr
    verdict = re.search(r"^verdict +([^:]+):", output, re.MULTILINE)
    assert verdict, output
    told = {_scenario(case): _told(case) for case in ET.parse(results).iter("testcase")}
    return Run(
        exit_code=ended.returncode,
        output=output,
        conclusion=verdict[1],
        ran=frozenset(told),
        convicted=frozenset(one for one, words in told.items() if _is_conviction(words)),
        crashed=frozenset(one for one, words in told.items() if CRASH.search(words)),
        otherwise={one: words for one, words in told.items() if words and not _is_conviction(words)},
    )


def _scenario(case: ET.Element) -> str:
    names = {f"test_{make_python_name(one.name)}": one.name for one in read_suite(features_root())}
    function, _, row = case.attrib["name"].partition("[")
    return f"{names[function]} [{row}" if row else names[function]


def _told(case: ET.Element) -> str:
    return "\n".join(f"{one.tag}: {one.text}" for one in case if one.tag in {"failure", "error", "skipped"})


def _is_conviction(words: str) -> bool:
    return words.startswith("failure:") and all(
        re.search(rf"^  {label}  ", words, re.MULTILINE) for label in ("expected", "observed")
    )


def _runs(scenario: str, ran: frozenset[str]) -> frozenset[str]:
    """Give the runs that a mutant means by the name of a scenario, or of a row of it."""
    return frozenset(one for one in ran if one == scenario or one.startswith(f"{scenario} ["))


def _every_run() -> Iterator[str]:
    for path in sorted((features_root() / "core").glob("*.feature")):
        for rule in Parser().parse(path.read_text("utf-8"))["feature"]["children"]:
            for child in rule.get("rule", {}).get("children", ()):
                scenario = child["scenario"]
                tables = scenario["examples"]
                for row in (row for table in tables for row in table["tableBody"]):
                    yield f"{scenario['name']} [{'-'.join(cell['value'] for cell in row['cells'])}]"
                if not tables:
                    yield scenario["name"]


@pytest.mark.parametrize("mutant", CORE_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_convicted_by_the_scenarios_that_it_names(mutant: Mutant, tmp_path: Path) -> None:
    run = _judge(mutant.name, tmp_path, "--requirement", mutant.requirement, asynchronous=mutant.asynchronous)
    named = frozenset[str]().union(*(_runs(one, run.ran) for one in mutant.scenarios))
    assert run.convicted == named, run.output
    assert not run.otherwise, run.output
    assert run.crashed == (run.convicted if mutant.crashes else frozenset()), run.output
    if catalogue()[mutant.requirement].level is Level.MUST:
        assert (run.exit_code, run.conclusion) == (1, "non-conformant"), run.output
    else:
        # A SHOULD that fails is told and decides nothing; what the selection left out makes the run incomplete.
        assert (run.exit_code, run.conclusion) == (2, "incomplete"), run.output
        assert re.search(rf"^failed +{mutant.requirement} \(should\):", run.output, re.MULTILINE), run.output


def test_the_reference_is_acquitted_by_the_same_machinery(tmp_path: Path) -> None:
    run = _judge(UNCHANGED, tmp_path)
    assert (run.exit_code, run.conclusion) == (0, "conformant"), run.output
    assert run.ran >= set(_every_run())
    assert not run.convicted
    assert not run.otherwise


def test_every_run_of_every_scenario_convicts_a_mutant() -> None:
    every = frozenset(_every_run())
    named = Counter(run for mutant in CORE_MUTANTS for one in mutant.scenarios for run in _runs(one, every))
    assert sorted(every - named.keys()) == []


def test_every_requirement_has_a_mutant() -> None:
    judged = {one.id for one in catalogue().values() if one.judged and one.profile is Profile.CORE}
    written = {one for scenario in CORE for one in scenario.requirement_ids}
    assert sorted((judged & written) - {mutant.requirement for mutant in CORE_MUTANTS}) == []


@pytest.mark.parametrize("mutant", CORE_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_names_scenarios_of_its_requirement(mutant: Mutant) -> None:
    own = {one.name for one in CORE if mutant.requirement in one.requirement_ids}
    every = frozenset(run for run in _every_run() if run.partition(" [")[0] in own)
    assert [one for one in mutant.scenarios if not _runs(one, every)] == []


@pytest.mark.parametrize("words", [[], ["no-such-mutant"], [UNCHANGED, UNCHANGED]])
def test_the_launcher_refuses_an_unknown_name(words: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, str(LAUNCHER), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    assert "names no mutant" in ended.stderr
