"""Runs the features against a mutant, and tells what they came to."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from gherkin.parser import Parser
from pytest_bdd.scenario import make_python_name

from harness.requirements import Level, Profile
from harness.suite import WrittenScenario, catalogue, features_root, read_suite
from harness.target import BUILT_IN, FAKE_GATEWAY
from tests.mutants.registry import Mutant, gateway_mutants, mutants

if TYPE_CHECKING:
    from collections.abc import Iterator

LAUNCHER = Path(__file__).with_name("run.py")
GATEWAY_LAUNCHER = Path(__file__).with_name("run_gateway.py")
CRASH = re.compile(r"implementation → (user|operator|instance \d+): 500\b")
PATIENCE = 120

TARGET = """\
[implementation]
name = "{name}"
claims = [{claims}]

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


def judge(name: str, profile: Profile, folder: Path, *options: str, asynchronous: bool = False) -> Run:
    """Judge a mutant, or whatever else the launcher knows by a name, by the scenarios of one profile."""
    target, results = folder / "target.toml", folder / "results.xml"
    command = ", ".join(f"'{word}'" for word in (sys.executable, str(LAUNCHER), name))
    text = TARGET.format(
        name=name, claims=_claims(profile), command=command, asynchronous=str(asynchronous).lower()
    )
    target.write_text(_gateway_target(name) if profile is Profile.INSTANCE else text, "utf-8")
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


def _claims(profile: Profile) -> str:
    # Each of the two has scenarios that say more where the other is claimed too.
    operations = [Profile.HEALTH_CHECK, Profile.MONITORING]
    claimed = operations if profile in operations else [profile]
    return ", ".join(f'"{one.value}"' for one in claimed)


def _gateway_target(name: str) -> str:
    """Give the fakes' own target, with the launcher of known-bad gateway instances in the place of their program."""
    words = ", ".join(f"'{word}'" for word in (sys.executable, str(GATEWAY_LAUNCHER), name))
    text = (BUILT_IN / f"{FAKE_GATEWAY}.toml").read_text("utf-8")
    launched = text.replace('"{python}", "-m", "fake_instances"', words)
    assert launched != text
    # A mutant may call itself unhealthy, or never send what is waited for.
    more = '\n[instance]\nready = "/info"\npatience = 3.0\nenv = { DATA = "{data}" }\n'
    return launched.replace("\n[instance]\n", more)


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


def runs_of(scenario: str, ran: frozenset[str]) -> frozenset[str]:
    """Give the runs that a mutant means by the name of a scenario, or of a row of it."""
    return frozenset(one for one in ran if one == scenario or one.startswith(f"{scenario} ["))


def every_run(profile: Profile) -> Iterator[str]:
    """Give every run of the scenarios of a profile, as mutants name them."""
    folder = profile.value.replace("-", "_")
    for path in sorted((features_root() / folder).glob("*.feature")):
        for rule in Parser().parse(path.read_text("utf-8"))["feature"]["children"]:
            for child in rule.get("rule", {}).get("children", ()):
                scenario = child["scenario"]
                tables = scenario["examples"]
                for row in (row for table in tables for row in table["tableBody"]):
                    yield f"{scenario['name']} [{'-'.join(cell['value'] for cell in row['cells'])}]"
                if not tables:
                    yield scenario["name"]


def mutants_of(profile: Profile) -> list[Mutant]:
    """Give the mutants that break a requirement of a profile."""
    known = {**mutants(), **gateway_mutants()}
    return [one for one in known.values() if catalogue()[one.requirement].profile is profile]


def scenarios_of(profile: Profile) -> list[WrittenScenario]:
    """Give the scenarios of a profile."""
    return [one for one in read_suite(features_root()) if one.folder == profile.value.replace("-", "_")]


def assert_convicted(mutant: Mutant, profile: Profile, folder: Path) -> None:
    """Hold that exactly the scenarios that a mutant names fail for it, each by its own assertion."""
    run = judge(
        mutant.name,
        profile,
        folder,
        "--requirement",
        mutant.requirement,
        asynchronous=mutant.asynchronous,
    )
    named = frozenset[str]().union(*(runs_of(one, run.ran) for one in mutant.scenarios))
    assert run.convicted == named, run.output
    assert not run.otherwise, run.output
    assert run.crashed == (run.convicted if mutant.crashes else frozenset()), run.output
    if catalogue()[mutant.requirement].level is Level.MUST:
        assert (run.exit_code, run.conclusion) == (1, "non-conformant"), run.output
    else:
        # A SHOULD that fails is told and decides nothing; what the selection left out makes the run incomplete.
        assert (run.exit_code, run.conclusion) == (2, "incomplete"), run.output
        assert re.search(rf"^failed +{mutant.requirement} \(should\):", run.output, re.MULTILINE), run.output


def assert_acquitted(name: str, profile: Profile, folder: Path) -> None:
    """Hold that every scenario of a profile runs and passes."""
    run = judge(name, profile, folder)
    assert (run.exit_code, run.conclusion) == (0, "conformant"), run.output
    assert run.ran >= set(every_run(profile))
    assert not run.convicted
    assert not run.otherwise


def runs_without_mutant(profile: Profile) -> list[str]:
    """Give the runs that no mutant names."""
    every = frozenset(every_run(profile))
    named = {run for mutant in mutants_of(profile) for one in mutant.scenarios for run in runs_of(one, every)}
    return sorted(every - named)


def requirements_without_mutant(profile: Profile) -> list[str]:
    """Give the requirements of a profile that have a scenario and no mutant."""
    judged = {one.id for one in catalogue().values() if one.judged and one.profile is profile}
    written = {one for scenario in scenarios_of(profile) for one in scenario.requirement_ids}
    return sorted((judged & written) - {mutant.requirement for mutant in mutants_of(profile)})


def strange_scenarios(mutant: Mutant, profile: Profile) -> list[str]:
    """Give what a mutant names and is no scenario of its requirement."""
    own = {one.name for one in scenarios_of(profile) if mutant.requirement in one.requirement_ids}
    every = frozenset(run for run in every_run(profile) if run.partition(" [")[0] in own)
    return [one for one in mutant.scenarios if not runs_of(one, every)]
