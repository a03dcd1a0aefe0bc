"""The pytest plugin: options, fixtures and hooks, and no logic of its own.

It wakes when a run collects scenarios that carry requirement ids, and leaves every other test alone.
"""

from __future__ import annotations

import random
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol

from harness.attach.gateway_setup import GatewaySetup
from harness.attach.setup import HOSTS, Setup, check_database, check_hosting, check_running, fleet_addresses
from harness.catalogue.listing import scenario_lines
from harness.catalogue.requirements import CatalogueError
from harness.catalogue.selection import names_in_expression
from harness.catalogue.tally import is_time_bound
from harness.catalogue.verdict import Outcome
from harness.errors import LaunchError, TargetError
from harness.history import History, StepReached
from harness.redaction import redact, redact_values
from harness.report import text
from harness.report.folder import ReportFolder
from harness.run import step_lookup
from harness.run.doctor import refused_webhook
from harness.run.interruption import Interruption
from harness.run.judging import (
    COLLECTED,
    CONFORMANCE,
    HANDED,
    RECORD,
    Conformance,
    drop_traceback,
    missed_a_time_bound_alone,
    outcome_of,
    refuse_async,
)
from harness.run.options import (
    add_hosting_options,
    add_options,
    addresses_of,
    failed_before,
    run_on_one_process,
)
from harness.run.recorder import Recorder
from harness.run.reporter import Reporter
from harness.scenario.gateway_world import GatewayWorld
from harness.scenario.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from pytest_bdd.parser import Scenario, Step


pytest_plugins = [
    "harness.scenario.steps.accounts",
    "harness.scenario.steps.locations",
    "harness.scenario.steps.copies",
    "harness.scenario.steps.gateway",
    "harness.scenario.steps.health_check",
    "harness.scenario.steps.instances",
    "harness.scenario.steps.log",
    "harness.scenario.steps.monitoring",
    "harness.scenario.steps.posting",
    "harness.scenario.steps.races",
    "harness.scenario.steps.sending",
    "harness.scenario.steps.webhooks",
]

_current_step = pytest.StashKey[str]()
_world = pytest.StashKey[World | GatewayWorld]()
_recorder = pytest.StashKey[Recorder]()
_secrets = pytest.StashKey[tuple[str, ...]]()
_interruption = pytest.StashKey[Interruption]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the harness."""
    group = parser.getgroup("instance-sync", "conformance of an instance sync implementation")
    group.addoption(
        "--target",
        default="reference",
        metavar="NAME|FILE",
        help="the implementation to judge: reference, before-fix, or a target file (default: reference)",
    )
    group.addoption(
        "--requirement",
        action="append",
        default=[],
        metavar="ID",
        help="run only the scenarios of this requirement, such as SCAN-01; may be given more than once",
    )
    add_options(group)
    add_hosting_options(group)
    group.addoption(
        "--fleet-address",
        default=None,
        metavar="ADDRESS",
        help="the loopback address of the four instances (default: 127.0.0.1; with -n, one for each worker)",
    )
    group.addoption(
        "--fleet-ports",
        default="document",
        metavar="PORTS",
        help="where they listen: document (3001-3004), free, or four ports such as 4001,4002,4003,4004",
    )
    group.addoption(
        "--database",
        default="sqlite",
        metavar="sqlite|URL",
        help="what implementations are given: sqlite, or the URL of a PostgreSQL, MySQL or MariaDB server on which "
        "databases may be made, such as postgresql://user:password@127.0.0.1:5432 (default: sqlite)",
    )
    group.addoption(
        "--fleet-seed",
        type=int,
        default=None,
        metavar="N",
        help="the seed that made-up names and numbers derive from (default: a new one, shown in the header)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the catalogue, the features and the target, and register every requirement id as a marker."""
    options, folder, again = config.option, None, None
    if (handed := getattr(config, "workerinput", {}).get(HANDED)) is not None:
        options.fleet_seed, again = handed
    elif options.fleet_seed is None:
        options.fleet_seed = secrets.randbelow(2**32)
    try:
        if options.rerun_failed and handed is None:
            again = failed_before(options.report)
        conformance = Conformance(options.target)
        conformance.select(options, names_in_expression(options.markexpr), again)
        fleet_addresses("127.0.0.1", options.fleet_ports)
        check_database(conformance.target, options.database)
        check_running(conformance.target, in_workers=bool(getattr(options, "numprocesses", None)))
        if handed is None and not options.list_scenarios:
            check_hosting(options.fleet_host, options.fleet_image)
        if options.report is not None and not hasattr(config, "workerinput"):
            folder = ReportFolder(options.report)
    except (TargetError, CatalogueError) as problem:
        raise pytest.UsageError(str(problem)) from None
    step_lookup.install()
    config.stash[CONFORMANCE] = conformance
    config.stash[_interruption] = Interruption()
    config.pluginmanager.register(config.stash[_interruption], "instance-sync-interruption")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(conformance, folder), "instance-sync-reporter")
    for requirement in conformance.catalogue.values():
        config.addinivalue_line("markers", f"{requirement.id}: {requirement.words.splitlines()[0]}")


def pytest_report_header(config: pytest.Config) -> str:
    """Say what is judged, and how to make up the same names again."""
    target = config.stash[CONFORMANCE].target
    return f"instance-sync: target {target.name} {target.version}, --fleet-seed {config.option.fleet_seed}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Of what every other filter kept, keep the scenarios that were asked for and whose profile is claimed."""
    found = list(items)
    yield
    conformance = config.stash[CONFORMANCE]
    try:
        for item in found:
            conformance.check_tags(item)
    except TargetError as problem:
        raise pytest.UsageError(str(problem)) from None
    # A filter that leaves nothing at all must be seen; one that leaves other tests was meant for those.
    conformance.collected = sum(1 for item in items or found if conformance.scenario(item))
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        (kept if conformance.is_selected(item) else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take note of the scenarios that are to run."""
    conformance = session.config.stash[CONFORMANCE]
    conformance.tally.expect([item.nodeid for item in session.items if conformance.scenario(item)])


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave out of an interruption's traceback what belongs to no line: pytest cannot show it, and would crash."""
    excinfo.traceback = excinfo.traceback.filter(lambda entry: entry._rawentry.tb_lineno not in {None, -1})  # noqa: SLF001


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller, from a worker, how many scenarios were found before any was left out."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[COLLECTED] = session.config.stash[CONFORMANCE].collected


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, int | None, int | None]:
    """Start no workers for a list."""
    if config.option.list_scenarios:
        run_on_one_process(config.option)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Print the scenarios instead of running them, when that is what was asked for."""
    if not session.config.option.list_scenarios:
        return None
    conformance = session.config.stash[CONFORMANCE]
    found = ((item, conformance.scenario(item)) for item in session.items)
    records = [conformance.record(item, template) for item, template in found if template is not None]
    for line in scenario_lines(conformance.suite, records):
        session.config.get_terminal_writer().line(line)
    return True


@pytest.fixture(scope="session")
def setup(request: pytest.FixtureRequest) -> Iterator[Setup]:
    """Give the fleet and the implementation, started once for every scenario of this worker."""
    config = request.config
    addresses = addresses_of(config)
    target = config.stash[CONFORMANCE].target
    hosting = HOSTS[config.option.fleet_host](config.option.fleet_image)
    made = Setup(target, addresses, hosting=hosting, database=config.option.database)
    config.stash[_secrets] = (*config.stash.get(_secrets, ()), *made.secrets)
    with config.stash[_interruption].heard(), made as started:
        first = World(started, random.Random(0))  # noqa: S311 - names, not secrets
        if target.url and (finding := refused_webhook(first)) is not None:
            # Whether its secret is another, or it refuses what it must accept, cannot be told from here.
            raise LaunchError(f"{target.name} refuses webhooks: {finding.came_back}; {finding.mend}")
        first.warm_up()
        first.close()
        yield started


@pytest.fixture(scope="session")
def gateway_setup(request: pytest.FixtureRequest) -> Iterator[GatewaySetup]:
    """Give the gateway instances that are judged, started once for every scenario of this worker."""
    config = request.config
    target = config.stash[CONFORMANCE].target.gateway
    assert target is not None  # noqa: S101 - read wherever instance is claimed
    made = GatewaySetup(target, addresses_of(config)[0].host)
    config.stash[_secrets] = (*config.stash.get(_secrets, ()), *made.secrets)
    with config.stash[_interruption].heard(), made as started:
        yield started


@pytest.fixture
def gateways(gateway_setup: GatewaySetup, request: pytest.FixtureRequest) -> Iterator[GatewayWorld]:
    """Give one scenario's view of the gateway instances that are judged."""
    seed = f"{request.config.option.fleet_seed}/{request.node.name}"
    opened = GatewayWorld(gateway_setup, random.Random(seed))  # noqa: S311 - names, not secrets
    request.node.stash[_world] = opened
    yield opened
    opened.close()


@pytest.fixture
def world(setup: Setup, request: pytest.FixtureRequest) -> Iterator[World]:
    """Give one scenario's view of everything."""
    seed = f"{request.config.option.fleet_seed}/{request.node.name}"
    opened = World(setup, random.Random(seed))  # noqa: S311 - names, not secrets
    request.node.stash[_world] = opened
    yield opened
    opened.close()


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, scenario: Scenario) -> None:
    """Set the world up before the first step, so that a start that fails is no step's fault."""
    steps = [f"{step.keyword} {step.name}" for step in scenario.steps]
    request.node.stash[_recorder] = Recorder(steps)
    conformance = request.config.stash[CONFORMANCE]
    if conformance.scenario(request.node) is not None:
        request.getfixturevalue("gateways" if conformance.judges_gateways(request.node) else "world")


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Step) -> None:
    """Write down which step the scenario is at."""
    world = request.node.stash.get(_world, None)
    words = f"{step.keyword} {step.name}".splitlines()[0]
    request.node.stash[_current_step] = words
    request.node.stash[_recorder].step_begins()
    if world is not None:
        journal = world.fleet.journal if isinstance(world, World) else world.journal
        journal.record(StepReached(text=words))


def pytest_bdd_before_step_call(step_func: Callable[..., object]) -> None:
    """Refuse a step that would pass without running."""
    refuse_async(step_func)


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    """Write down that the step is done."""
    request.node.stash[_recorder].step_passed()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """After the last step, hold that the implementation still runs and that every fault really fired."""
    yield
    world = item.stash.get(_world, None)
    if world is not None:
        world.check_implementation_runs()
        world.check_faults_fired()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the scenario's outcome, in our terms and words, into pytest's report."""
    conformance = item.config.stash[CONFORMANCE]
    template = conformance.scenario(item)
    problem = None if call.excinfo is None else call.excinfo.value
    outcome, reason = outcome_of(problem)
    if template is not None:
        drop_traceback(call, outcome)
    report = yield
    if template is None or (report.when != "call" and report.passed):
        return report
    record = conformance.record(item, template)
    world = item.stash.get(_world, None)
    hidden = item.config.stash.get(_secrets, ())
    trace = redact(report.longreprtext, hidden) if outcome is Outcome.BROKEN else ""
    evidence, history = item.stash.get(_recorder, Recorder()).testify(
        lambda: History(()) if world is None else world.history,
        outcome,
        problem,
        hidden,
        trace=trace,
        full=item.config.option.report is not None,
    )
    record = replace(
        record,
        outcome=outcome.value,
        reason=reason,
        time_bound=is_time_bound(problem),
        evidence=evidence,
        history=history,
    )
    # What a run is called is ours: hidden in part, it would be taken for another, and so for none.
    values = record.to_json()
    told = {name: redact_values(values[name], hidden) for name in ("reason", "evidence", "history")}
    setattr(report, RECORD, values | told)
    report.sections = [(title, redact(content, hidden)) for title, content in report.sections]
    if trace and trace != report.longreprtext:
        report.longrepr = trace
    if problem is not None and outcome in {Outcome.FAILED, Outcome.NOT_JUDGED} and not report.skipped:
        step = item.stash.get(_current_step, "before the first step")
        scenario = f"{template.name} (features/{record.file}:{template.line_number})"
        report.longrepr = text.failure(
            conformance.catalogue,
            record.requirement_ids,
            scenario=scenario,
            step=step,
            problem=problem,
            timeline=evidence.timeline,
            secrets=hidden,
        )
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Judge a scenario that missed a time bound, and did nothing else wrong, once more by itself."""
    if item.config.stash[CONFORMANCE].scenario(item) is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if missed_a_time_bound_alone(reports):
        item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001 - fixtures anew, as for a first run
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for report in reports:
            if hasattr(report, RECORD):
                getattr(report, RECORD)["judged_again"] = True
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show what was not judged as that, and not as a failure of the implementation."""
    outcome = getattr(report, RECORD, {}).get("outcome")
    if outcome == Outcome.NOT_JUDGED and not report.passed:
        return "not judged", "n", "NOT JUDGED"
    return None
