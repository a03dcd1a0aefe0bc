"""The house keeps its shape: imports run one way, and no file grows past its room."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGES = ("harness", "fake_instances", "reference_impl")
MOST_LINES = 400

FLOORS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "contract",
            "gateway.contract",
            "requirements",
            "incident",
            "interruption",
            "step_lookup",
            "fleet_words",
            "toml_lines",
        }
    ),
    frozenset(
        {
            "history",
            "verdict",
            "suite",
            "selection",
            "listing",
            "report.redaction",
            "fleet_orders",
            "gateway.record",
            "drivers.guard",
            "variables",
        }
    ),
    frozenset(
        {
            "checks",
            "report.model",
            "report.templating",
            "fleet_commands",
            "gateway.checks",
            "gateway.section",
            "gateway.receiver",
            "gateway.traffic",
        }
    ),
    frozenset(
        {
            "target_keys",
            "remedies",
            "report.timeline",
            "report.sequence",
            "report.junit",
            "sensitivity",
            "report.markdown",
            "report.badge",
            "health_check",
            "monitoring",
            "resilience",
            "log",
            "databases",
            "drivers.program",
            "drivers.container",
            "drivers.guarded",
            "probe",
            "tally",
        }
    ),
    frozenset(
        {
            "report.assembly",
            "target",
            "report.text",
            "report.diagram",
            "witness",
            "drivers.image",
            "hooks",
            "accounts",
            "security",
            "drivers.url",
            "fleet_containers",
        },
    ),
    frozenset({"drivers.command"}),
    frozenset({"report.html", "report.comparison", "attachment", "gateway.launched"}),
    frozenset({"report.folder", "rig", "users", "gateway.world"}),
    frozenset({"world", "options", "conformance", "reproduce", "requirements_command", "init_command"}),
    frozenset({"progress", "crowd", "operator"}),
    frozenset(
        {
            "reporter",
            "doctor",
            "steps.accounts",
            "steps.claims",
            "steps.copies",
            "steps.gateway",
            "steps.health_check",
            "steps.instances",
            "steps.log",
            "steps.monitoring",
            "steps.posting",
            "steps.races",
            "steps.sending",
            "steps.webhooks",
        }
    ),
    frozenset({"plugin", "doctor_command", "compare_command", "step_list"}),
    frozenset({"steps_command"}),
    frozenset({"cli"}),
)
"""The harness, from the ground up: a module imports from lower floors only."""

PURE = (
    "contract",
    "requirements",
    "incident",
    "history",
    "checks",
    "resilience",
    "health_check",
    "monitoring",
    "verdict",
    "selection",
    "listing",
    "report.redaction",
    "fleet_words",
    "fleet_orders",
    "report.model",
    "report.templating",
    "report.timeline",
    "report.sequence",
    "report.assembly",
    "sensitivity",
    "report.text",
    "report.junit",
    "report.markdown",
    "report.diagram",
    "report.html",
    "report.comparison",
    "gateway.contract",
    "gateway.record",
    "gateway.section",
    "gateway.checks",
    "variables",
    "target_keys",
    "remedies",
)
IMPURE_LIBRARIES = {
    "requests",
    "sqlalchemy",
    "subprocess",
    "socket",
    "flask",
    "pytest",
    "pytest_bdd",
    "threading",
}


def modules(package: str) -> dict[str, Path]:
    """Give a package's modules by their dotted names inside it; packages themselves by their own."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT / package).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found[name] = path
    return found


def imports(source: str) -> Iterator[str]:
    """Give every module that code imports when it runs, as dotted names; what only the type checker reads aside."""
    for node in _running(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _running(child)


def packages_imported(source: str) -> set[str]:
    return {name.split(".", 1)[0] for name in imports(source)}


def imported_modules(package: str, source: str) -> set[str]:
    """Give the modules of its own package that code imports, by their dotted names inside it."""
    known = modules(package)
    prefix = f"{package}."
    names = {name.removeprefix(prefix) for name in imports(source) if name.startswith(prefix)}
    return names & known.keys()


@pytest.mark.parametrize(
    ("package", "siblings"),
    [("fake_instances", set()), ("reference_impl", set()), ("harness", {"fake_instances"})],
)
def test_a_package_imports_only_the_siblings_it_may(package: str, siblings: set[str]) -> None:
    for path in modules(package).values():
        foreign = packages_imported(path.read_text("utf-8")) & {*PACKAGES, "features", "tests"}
        assert foreign - {package} <= siblings, path


def test_features_use_only_the_harness() -> None:
    for path in (ROOT / "features").rglob("*.py"):
        assert not packages_imported(path.read_text("utf-8")) & {
            "fake_instances",
            "reference_impl",
            "tests",
        }, path


def test_every_module_of_the_harness_has_a_floor() -> None:
    known = {name for name, path in modules("harness").items() if path.name != "__init__.py"}
    assert known == set().union(*FLOORS)


@pytest.mark.parametrize("floor", range(len(FLOORS)))
def test_imports_of_the_harness_go_down(floor: int) -> None:
    below: set[str] = set().union(*FLOORS[:floor])
    for name in sorted(FLOORS[floor]):
        source = modules("harness")[name].read_text("utf-8")
        upward = imported_modules("harness", source) - below - {"", "drivers", "gateway", "report", "steps"}
        assert not upward, f"harness.{name} may not import {sorted(upward)}"


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_touches_no_network_database_or_process(name: str) -> None:
    source = modules("harness")[name].read_text("utf-8")
    assert not packages_imported(source) & IMPURE_LIBRARIES


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_of_imports(package: str) -> None:
    edges = {
        name: imported_modules(package, path.read_text("utf-8")) for name, path in modules(package).items()
    }
    assert circle(edges) is None


def circle(edges: dict[str, set[str]]) -> list[str] | None:
    """Give one circle of imports, or None."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str] | None:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return None
        done.add(name)
        return next(filter(None, (walk(one, [*way, name]) for one in sorted(edges.get(name, ())))), None)

    return next(filter(None, (walk(name, []) for name in sorted(edges))), None)


def test_no_file_outgrows_its_room() -> None:
    folders = (*PACKAGES, "tests", "features")
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not long


def test_the_checker_sees_what_it_looks_for() -> None:
    source = (
        "from harness.run import plugin\nimport reference_impl.app\nif TYPE_CHECKING:\n    import requests\n"
    )
    assert packages_imported(source) == {"harness", "reference_impl"}
    assert imported_modules("harness", source) == {"world"}
    assert imported_modules("harness", "from harness import checks") == {"checks"}
    inside = "def late():\n    import socket\n"
    assert packages_imported(inside) == {"socket"}
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) is None
