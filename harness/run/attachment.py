"""Opens what is judged, and checks once a run, before anything is judged, that it is attached.

The check is the doctor's examination in short. What no mistake of an implementation can explain ends the run: each
scenario would fail by it, and none would say so. Everything else is left to the scenarios.
"""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from fake_instances import Fleet
from harness.attach.gateway_setup import GatewaySetup
from harness.attach.setup import HOSTS, Setup, start_fleet, worker_addresses
from harness.catalogue.requirements import Profile
from harness.errors import AdapterError, ConformanceFailure, LaunchError, NotJudgedError, TargetError
from harness.redaction import redact_values
from harness.run.doctor import control_plane, gateway
from harness.run.doctor.finding import Finding, adapter_failed, in_a_sentence
from harness.scenario.gateway_world import GatewayWorld
from harness.scenario.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager

    from fake_instances.addresses import InstanceAddress
    from harness.contract import Target

_NAMES = "the attachment check"
"""From which names are made up: others than any scenario's."""

Opened = TypeVar("Opened", Setup, GatewaySetup)


class Attachment:
    """What one process has attached: opened by the check, if there is one, and then used by the scenarios.

    `addresses` returns those of the instances, asked when they are needed: which are free changes during a run.
    `options` are the run's.
    """

    def __init__(
        self, target: Target, addresses: Callable[[], Sequence[InstanceAddress]], options: Any
    ) -> None:
        self._target = target
        self._addresses = addresses
        self._options = options
        self._control_plane: _Kept[Setup] = _Kept()
        self._gateways: _Kept[GatewaySetup] = _Kept()
        self.secrets: tuple[str, ...] = ()
        """Those of everything that was opened here."""
        self.findings: Sequence[Finding] = ()
        """What the check found, where it found that something is not attached."""

    @property
    def why(self) -> str:
        """Why nothing is judged, in one line; empty where everything is attached, or nobody checked."""
        wrong = [in_a_sentence(one) for one in self.findings if one.unattached]
        return f"not attached: {wrong[0]}" if wrong else ""

    def control_plane(self) -> AbstractContextManager[Setup]:
        """Return the fleet and the implementation: those that the check opened, or new ones."""
        kept = self._control_plane
        return kept.used() if kept.is_open else self._new_control_plane()

    def gateways(self) -> AbstractContextManager[GatewaySetup]:
        """Return the gateway instances that are judged: those that the check opened, or new ones."""
        kept = self._gateways
        return kept.used() if kept.is_open else self._new_gateways()

    def find_ports_in_use(self, workers: int) -> None:
        """Find out whether each of several workers can have the addresses that were chosen for it."""
        options = self._options
        if not options.fleet_address:
            return
        for worker in range(workers):
            try:
                addresses = worker_addresses(options.fleet_address, options.fleet_ports, worker)
                start_fleet(Fleet(addresses, api_key="none", secret="none")).stop()  # noqa: S106 - it tells nobody
            except (LaunchError, TargetError) as problem:
                self.findings = [control_plane.started(self._target, problem)]
                return

    def check(self, profiles: Collection[str]) -> bool:
        """Check that what scenarios of these profiles need is attached; `findings` says what is not."""
        if self.findings:
            return False
        found: list[Finding] = []
        if {*profiles} - {Profile.INSTANCE}:
            found += self._examine_control_plane(profiles)
        if Profile.INSTANCE in profiles:
            found += self._examine_gateways()
        if any(one.unattached for one in found):
            self.findings = [redact_values(one, self.secrets) for one in found if not one.good]
            self.close()
        return not self.findings

    def close(self) -> None:
        """Stop what the check opened and nobody used."""
        self._control_plane.close()
        self._gateways.close()

    def _examine_control_plane(self, profiles: Collection[str]) -> Iterator[Finding]:
        target = self._target
        try:
            setup = self._control_plane.open(self._new_control_plane())
            world = World(setup, random.Random(_NAMES))  # noqa: S311 - names, not secrets
            try:
                yield from control_plane.examine(world, profiles, brief=True)
            finally:
                with contextlib.suppress(NotJudgedError, SQLAlchemyError):
                    world.close()
        except AdapterError as problem:
            yield adapter_failed(problem)
        except (LaunchError, TargetError) as problem:
            yield control_plane.started(target, problem)
        except ConformanceFailure as problem:
            yield control_plane.ended(problem)

    def _examine_gateways(self) -> Iterator[Finding]:
        try:
            world = GatewayWorld(
                self._gateways.open(self._new_gateways()),
                random.Random(_NAMES),  # noqa: S311 - names, not secrets
            )
            try:
                yield from gateway.examine_gateways(world, brief=True)
            finally:
                world.close()
        except AdapterError as problem:
            yield adapter_failed(problem)
        except (LaunchError, TargetError, NotJudgedError) as problem:
            yield gateway.started(problem)

    def _new_control_plane(self) -> Setup:
        options = self._options
        hosting = HOSTS[options.fleet_host](options.fleet_image)
        made = Setup(self._target, self._addresses(), hosting=hosting, database=options.database)
        self.secrets += made.secrets
        return made

    def _new_gateways(self) -> GatewaySetup:
        assert self._target.gateway is not None  # noqa: S101 - read wherever instance is claimed
        made = GatewaySetup(self._target.gateway, self._addresses()[0].host)
        self.secrets += made.secrets
        return made


class _Kept(Generic[Opened]):
    """Something that is opened, and stays open until who uses it is done, or it is closed."""

    def __init__(self) -> None:
        self._open: contextlib.ExitStack | None = None
        self._opened: Opened

    def open(self, made: Opened) -> Opened:
        with contextlib.ExitStack() as opened:
            self._opened = opened.enter_context(made)
            self._open = opened.pop_all()
        return self._opened

    @contextlib.contextmanager
    def used(self) -> Iterator[Opened]:
        try:
            yield self._opened
        finally:
            self.close()

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def close(self) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            opened.close()
