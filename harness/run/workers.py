"""How many workers judge, and which of them judges what: always the same, so that a run can be repeated."""

from __future__ import annotations

import os
import signal
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from harness.catalogue.requirements import Profile
from harness.errors import TargetError
from harness.exit_codes import ExitCode
from harness.targets.reader import load_target

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from harness.catalogue.tally import Tally
    from harness.contract import Target

_MOST_WORKERS = 12
_MOST_SYNCHRONOUS = 8
_SYNCHRONOUS, _ASYNCHRONOUS = 3, 4
"""How many workers keep a core busy: much of what they do is waiting, most of it where effects may follow."""
_UNLISTED_SECONDS = 0.05
_LONG_SECONDS = 0.3
_PLUGIN = "xdist"


def workers_for(target: Target, options: Any, cores: int) -> int:
    """Return how many workers judge a target best, 0 for this process alone.

    An asynchronous target is mostly waited for, so its workers are many. What cannot be had twice is judged here: a
    program that runs already, a log file of one name, gateways on their own ports. So is what is over before workers
    have started.
    """
    narrowed = options.requirement or options.keyword or options.markexpr or options.rerun_failed
    watched = (
        options.keep
        or options.capture == "no"
        or options.usepdb
        or options.collectonly
        or options.list_scenarios
    )
    if target.url or target.shares_a_log or narrowed or watched or options.fleet_host != "threads":
        return 0
    if not set(target.claims) - {Profile.INSTANCE}:
        return 0
    if target.asynchronous:
        return min(_ASYNCHRONOUS * cores, _MOST_WORKERS)
    return min(_SYNCHRONOUS * cores, _MOST_SYNCHRONOUS)


def workers_for_stories(target: Target, cores: int) -> int:
    """Return how many workers tell stories to a target best: one, where it cannot be had twice."""
    if target.url or target.shares_a_log:
        return 1
    return min((_ASYNCHRONOUS if target.asynchronous else _SYNCHRONOUS) * cores, _MOST_WORKERS)


def cores_of_this_process() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ChoosesWorkers:
    """A plugin for pytest-xdist: what `-n auto` means."""

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_xdist_auto_num_workers(self, config: pytest.Config) -> int | None:
        """Choose by the target; a target that cannot be read is reported when the run is configured."""
        if config.option.numprocesses != "auto" or os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
            return None
        try:
            return workers_for(load_target(config.option.target), config.option, cores_of_this_process())
        except TargetError:
            return 0


class StartsWorkersQuietly:
    """A plugin of the controller: a Ctrl-C that comes while workers import what they need is heard by it alone."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None, None, None]:
        """Hold SIGINT back while workers are started: they inherit that, and would each print where they were."""
        if threading.current_thread() is not threading.main_thread():
            return (yield)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return (yield)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_again() -> None:
    """Have this worker, which has imported everything, hear SIGINT; end it if one came meanwhile."""
    if signal.SIGINT in signal.sigpending():
        os._exit(ExitCode.INTERRUPTED)  # nothing is started yet, and the controller tells what happened
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def fixed_shares(config: pytest.Config, log: Any, tally: Tally, durations: Mapping[str, float]) -> Any:
    """Return a scheduler of pytest-xdist that gives each worker a share, whichever worker is the faster.

    What a scenario leaves behind in an implementation may decide another. So each worker always gets the same.
    """
    from xdist.scheduler import LoadScheduling  # type: ignore[import-untyped]  # noqa: PLC0415 - it need not be there

    class FixedShares(LoadScheduling):  # type: ignore[misc]
        collection: list[str] | None

        def schedule(self) -> None:
            first = next(iter(self.node2collection.values()))
            if self.collection is not None or not all(map(tally.is_run, first)):
                super().schedule()
                return
            if not self._check_nodes_have_same_collection():
                return
            self.collection, self.maxschedchunk = first, len(first)
            nodes = sorted(self.nodes, key=lambda one: int(one.gateway.id.removeprefix("gw")))
            seconds = [durations.get(one.split("::", 1)[1], _UNLISTED_SECONDS) for one in first]
            launched = [place for place, one in enumerate(first) if tally.is_of_gateways(one)]
            for node, share in zip(nodes, shares(seconds, len(nodes), launched), strict=True):
                self.node2pending[node].extend(share)
                if share:
                    node.send_runtest_some(share)
                node.shutdown()

    return FixedShares(config, log)


def shares(seconds: Sequence[float], workers: int, together: Sequence[int] = ()) -> list[list[int]]:
    """Share out the places of runs that take so long: to each worker about the same time.

    The last one has those that belong `together`: four gateways are launched for them. Long runs mostly wait, and
    short ones compute. So every second worker has its long ones first, the others last.
    """
    dealt: list[list[int]] = [[] for _ in range(workers)]
    taken = [0.0] * workers
    if together:
        dealt[-1] += together
        taken[-1] = sum(seconds[place] for place in together)
    for place in sorted(set(range(len(seconds))) - set(together), key=lambda one: (-seconds[one], one)):
        least = taken.index(min(taken))
        dealt[least].append(place)
        taken[least] += seconds[place]
    for worker, share in enumerate(dealt):
        share.sort(key=lambda one: ((seconds[one] < _LONG_SECONDS) == (worker % 2 == 0), one))
    return dealt


def has_workers(arguments: list[str]) -> bool:
    """Return whether pytest-xdist is there for a run with these arguments of pytest."""
    return find_spec(_PLUGIN) is not None and f"no:{_PLUGIN}" not in " ".join(arguments)
