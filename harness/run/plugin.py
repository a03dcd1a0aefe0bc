"""The pytest plugin: fixtures and hooks, and no logic of its own.

It acts when a run collects scenarios that carry requirement ids, and leaves every other test alone.
"""

from __future__ import annotations

import gc
import pkgutil
import random
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from harness.catalogue.listing import scenario_lines
from harness.catalogue.record import Record
from harness.catalogue.requirements import CatalogueError, Level
from harness.catalogue.verdict import Outcome
from harness.contract import Settings
from harness.errors import ConformanceFailure, TargetError
from harness.history import StepReached
from harness.report.folder import ReportFolder
from harness.run.asked.keep import Keep
from harness.run.asked.places import collected_for
from harness.run.attachment import Attachment
from harness.run.attachment_check import AttachmentCheck
from harness.run.interruption import Interruption
from harness.run.judging import (
    check_scene_came_about,
    describe,
    drop_traceback,
)
from harness.run.options import add_options, addresses_of, scope_of
from harness.run.recorder import Recorder
from harness.run.reporter import Ending, Reporter
from harness.run.scope import COLLECTED, RECORD, Scope, record_in, refuse_async
from harness.run.step_lookup import StepLookup
from harness.run.trying import Tries
from harness.run.workers import StartsWorkersQuietly, hear_again
from harness.scenario import steps
from harness.scenario.gateway_world import GatewayWorld
from harness.scenario.said import Said
from harness.scenario.scene import Scene
from harness.scenario.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from pytest_bdd.parser import Scenario, Step

    from harness.attach.gateway_setup import GatewaySetup
    from harness.attach.setup import Setup


pytest_plugins = [one.name for one in pkgutil.iter_modules(steps.__path__, f"{steps.__name__}.")]

_scope = pytest.StashKey[Scope]()
_scene = pytest.StashKey[Scene]()
_said = pytest.StashKey[Said | None]()
_step = pytest.StashKey[Any]()
_recorder = pytest.StashKey[Recorder]()
_attachment = pytest.StashKey[Attachment]()
_interruption = pytest.StashKey[Interruption]()
_tries = pytest.StashKey[Tries]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the harness."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the catalogue, the features and the target, and register every requirement id as a marker."""
    worker = hasattr(config, "workerinput")
    if worker:
        hear_again()
    elif getattr(config.option, "numprocesses", None):
        config.pluginmanager.register(StartsWorkersQuietly(), "instance-sync-quiet-start")
    try:
        config.args[:] = collected_for(config.args, config.invocation_params.dir)
        scope = scope_of(config)
        saved = config.option.report if not (worker or config.option.list_scenarios) else None
        folder = ReportFolder(saved) if saved else None
    except (TargetError, CatalogueError) as problem:
        raise pytest.UsageError(str(problem)) from None
    StepLookup().use()
    config.stash[_scope] = scope
    config.stash[_attachment] = attachment = Attachment(
        scope.target, lambda: addresses_of(config), config.option
    )
    config.add_cleanup(attachment.close)
    config.stash[_tries] = Tries(several=worker)
    config.add_cleanup(config.stash[_tries].stop)
    config.stash[_interruption] = Interruption()
    config.pluginmanager.register(config.stash[_interruption], "instance-sync-interruption")
    if not worker:
        reporter = Reporter(scope, folder, config.stash[_interruption], attachment)
        config.pluginmanager.register(reporter, "instance-sync-reporter")
        config.pluginmanager.register(Ending(reporter), "instance-sync-ending")
        if not config.option.unchecked:
            check = AttachmentCheck(scope, attachment, config.stash[_interruption])
            config.pluginmanager.register(check, "instance-sync-attachment-check")
    if config.option.keep:
        keep = Keep(lambda item: item.stash.get(_scene, None), config.stash[_interruption])
        config.pluginmanager.register(keep, "instance-sync-keep")
    for requirement in scope.catalogue.values():
        config.addinivalue_line("markers", f"{requirement.id}: {requirement.words.splitlines()[0]}")


def pytest_report_header(config: pytest.Config) -> str:
    """Say what is judged, and how to make up the same names again, in the same order."""
    target, options = config.stash[_scope].target, config.option
    order = "" if options.order_seed is None else f" --order-seed {options.order_seed}"
    return f"instance-sync: target {target.name} {target.version}, --fleet-seed {options.fleet_seed}{order}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Of what every other filter kept, keep the scenarios that were asked for and whose profile is claimed."""
    found = list(items)
    yield
    try:
        selected = config.stash[_scope].select(found, items)
    except TargetError as problem:
        raise pytest.UsageError(str(problem)) from None
    if left_out := [item for item in items if item not in set(selected)]:
        config.hook.pytest_deselected(items=left_out)
    items[:] = config.stash[_scope].in_order(selected, config.option.order_seed)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take note of the scenarios that are to run."""
    scope = session.config.stash[_scope]
    scope.tally.expect([item.nodeid for item in session.items if scope.scenario(item)])
    if scope.tally.concerned:
        gc.freeze()  # else pytest looks through all that is loaded five times, at the end of every worker: a second


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave out of an interruption's traceback what belongs to no line: pytest cannot show it, and would crash."""
    excinfo.traceback = excinfo.traceback.filter(lambda entry: entry._rawentry.tb_lineno not in {None, -1})  # noqa: SLF001


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Report to the controller, from a worker, how many scenarios were found before any was left out."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[COLLECTED] = session.config.stash[_scope].collected


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, int | None, int | None]:
    """Start no workers for a list, whatever `-n` says."""
    option = config.option
    if option.list_scenarios:
        option.numprocesses, option.dist, option.tx = 0, "no", []
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Print the scenarios instead of running them, when that is what was asked for."""
    if not session.config.option.list_scenarios:
        return None
    scope = session.config.stash[_scope]
    records = [record for item in session.items if (record := scope.record(item)) is not None]
    for line in scenario_lines(scope.suite, records):
        session.config.get_terminal_writer().line(line)
    return True


@pytest.fixture(scope="session")
def setup(request: pytest.FixtureRequest) -> Iterator[Setup]:
    """Return the fleet and the implementation, started once for every scenario of this worker."""
    stash = request.config.stash
    with stash[_interruption].heard(), stash[_attachment].control_plane() as started:
        first = World(started, random.Random(0))  # noqa: S311 - names, not secrets
        first.warm_up()
        first.close()
        yield started


@pytest.fixture(scope="session")
def gateway_setup(request: pytest.FixtureRequest) -> Iterator[GatewaySetup]:
    """Return the gateway instances that are judged, started once for every scenario of this worker."""
    stash = request.config.stash
    with stash[_interruption].heard(), stash[_attachment].gateways() as started:
        yield started


@pytest.fixture
def gateways(gateway_setup: GatewaySetup, request: pytest.FixtureRequest) -> Iterator[GatewayWorld]:
    """Return one scenario's view of the gateway instances that are judged."""
    opened = GatewayWorld(gateway_setup, _random(request))
    request.node.stash[_scene] = opened
    yield opened
    opened.close()


@pytest.fixture
def world(setup: Setup, request: pytest.FixtureRequest) -> Iterator[World]:
    """Return one scenario's view of everything."""
    opened = World(setup, _random(request))
    request.node.stash[_scene] = opened
    yield opened
    opened.close()


def _random(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(f"{request.config.option.fleet_seed}/{request.node.name}")  # noqa: S311 - names, not secrets


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, scenario: Scenario) -> None:
    """Open the scenario's view before the first step, so that a start that fails is no step's fault."""
    request.node.stash[_recorder] = Recorder([f"{step.keyword} {step.name}" for step in scenario.steps])
    request.node.stash[_said] = None
    if (fixture := request.config.stash[_scope].scene_of(request.node)) is not None:
        request.getfixturevalue(fixture)
        if (scene := request.node.stash.get(_scene, None)) is not None:
            request.node.stash[_said] = Said(scene, request.config.stash[_attachment].secrets)


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Step) -> None:
    """Record which step the scenario has come to."""
    request.node.stash[_step] = step
    request.node.stash[_recorder].step_begins()
    if (scene := request.node.stash.get(_scene, None)) is not None:
        if (said := request.node.stash[_said]) is not None:
            said.hear()
        scene.journal.record(StepReached(text=f"{step.keyword} {step.name}".splitlines()[0]))


def pytest_bdd_before_step_call(step_func: Callable[..., object]) -> None:
    """Refuse a step that would pass without running."""
    refuse_async(step_func)


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    """Record that the step is done."""
    request.node.stash[_recorder].step_passed()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """After the last step, check that the implementation still runs and that every fault really fired.

    Let a failure stand only if its scene came about. What proves the instrument always does.
    """
    try:
        yield
    except ConformanceFailure as failure:
        scene, record = item.stash.get(_scene, None), item.config.stash[_scope].record(item)
        if scene is not None and record is not None and record.level is not Level.SELF:
            check_scene_came_about(scene, item.stash.get(_step, None), failure)
        raise
    if (scene := item.stash.get(_scene, None)) is not None:
        scene.check_implementation_runs()
        scene.check_faults_fired()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the scenario's record to pytest's report, and tell a failure in our own words."""
    scope = item.config.stash[_scope]
    record = scope.record(item)
    if record is not None:
        drop_traceback(call)
    report = yield
    if record is None or (report.when != "call" and report.passed):
        return report
    secrets = item.config.stash[_attachment].secrets
    if report.when == "call" and (said := item.stash.get(_said, None)) is not None:
        said.hear()
    record = item.stash.get(_recorder, Recorder()).complete(
        record,
        None if call.excinfo is None else call.excinfo.value,
        item.stash.get(_scene, None),
        secrets,
        trace=report.longreprtext,
        full=item.config.option.report is not None,
    )
    setattr(report, RECORD, record)
    describe(report, record, scope.catalogue, secrets)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Judge a scenario; once more, alone, if it failed and there is reason to doubt that."""
    if item.config.stash[_scope].scenario(item) is None:
        return None
    config, began = item.config, False

    def run() -> list[pytest.TestReport]:
        nonlocal began
        if began:
            item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001 - new fixtures, as for a first run
        began = True
        return runtestprotocol(item, nextitem=nextitem, log=False)

    def timeout() -> float:
        scene = item.stash.get(_scene, None)
        return Settings().verify_timeout_in_force if scene is None else scene.timeout

    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports, records = config.stash[_tries].judge(run, timeout)
    secrets = config.stash[_attachment].secrets
    for report in reports:
        if (record := records.get(report)) is not None and record != record_in(report):
            setattr(report, RECORD, record)
            describe(report, record, config.stash[_scope].catalogue, secrets)
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Make JSON values of a record that goes from a worker to its controller."""
    values = yield
    if values is not None and isinstance(record := values.get(RECORD), Record):
        values[RECORD] = record.to_wire()
    return values


@pytest.hookimpl(tryfirst=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> None:
    """Make a record of its JSON values again."""
    if RECORD in data:
        data[RECORD] = Record.from_wire(data[RECORD])


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show what was not judged as that, and not as a failure of the implementation."""
    record = record_in(report)
    if record is not None and record.outcome is Outcome.NOT_JUDGED and not report.passed:
        return "not judged", "n", "NOT JUDGED"
    return None
