"""Carries a story out against an implementation, and judges it after every action."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from fake_instances import FleetError
from fake_instances.faults import Endpoint
from fake_instances.journal import RequestArrived
from harness.errors import ConformanceFailure, NotJudgedError
from harness.explore.promises.base import Moment, Promise, is_webhook
from harness.explore.promises.table import is_judged, promises
from harness.explore.situation import Situation, situation_of
from harness.history import History, StepReached, is_own
from harness.scenario.phrases import check_of
from harness.scenario.world import World

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from harness.attach.setup import Setup
    from harness.explore.story import Story
    from harness.scenario.actions import Action


_RUNS = "the implementation goes on running"
ASKED, POSTED = "asked who holds the session", "handed a message"
"""What an instance was called for, in the words of the action that makes one call fail."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept, by a story that was cut there."""

    story: Story
    promise: Promise
    expected: str
    observed: str
    history: History = field(repr=False, compare=False, default_factory=lambda: History(()))

    @property
    def key(self) -> tuple[str, str]:
        """What makes two violations one finding: the requirement and the check, whatever the numbers in it."""
        return self.promise.requirement, "".join(one for one in self.promise.then if not one.isdigit())


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a story.

    Attributes:
        story: the story.
        violation: the first promise that was not kept, None if all were.
        unjudged: why it could not be carried out to its end, empty if it was.
        kept: how many promises were kept.
        covered: which disturbance met which phase.
        asked: by the place of a judged action, which instance was asked or handed a message.
        cpu: CPU seconds of this process.

    """

    story: Story
    violation: Violation | None = None
    unjudged: str = ""
    kept: int = 0
    covered: frozenset[tuple[str, str]] = frozenset()
    asked: tuple[tuple[int, int, str], ...] = ()
    cpu: float = 0.0


class Conduct:
    """Carries stories out, one after another, against one implementation.

    `judged` are the requirements that are judged; without any, all are.
    """

    def __init__(self, setup: Setup, seed: int, judged: Collection[str] = ()) -> None:
        self._setup = setup
        self._seed = seed
        self._judged = frozenset(judged)

    def carry_out(self, story: Story) -> Carried:
        """Carry out a story in a world of its own, until a promise is broken or it ends."""
        began = time.process_time()
        world = World(self._setup, Random(f"{self._seed}/{story.name}"))  # noqa: S311 - names, not secrets
        telling = _Telling(world, story, self._judged)
        try:
            telling.tell()
        finally:
            telling.close()
        return Carried(
            story,
            telling.violation,
            telling.unjudged,
            telling.kept,
            frozenset(telling.covered),
            tuple(telling.asked),
            time.process_time() - began,
        )


def warm_up(setup: Setup) -> None:
    """Have an implementation do once what is slow the first time, before anything is judged."""
    world = World(setup, Random(0))  # noqa: S311 - names, not secrets
    world.warm_up()
    world.close()


class _Telling:
    """One story, as it is carried out."""

    def __init__(self, world: World, story: Story, judged: frozenset[str]) -> None:
        self._world = world
        self._story = story
        self._judged = judged
        self._log = world.implementation.target.log != "none"
        self._asynchronous = world.implementation.target.asynchronous
        self.violation: Violation | None = None
        self.unjudged = ""
        self.kept = 0
        self.covered: set[tuple[str, str]] = set()
        self.asked: list[tuple[int, int, str]] = []

    def tell(self) -> None:
        """Carry out what is given, and then action by action, until a promise is broken."""
        world, when = self._world, self._story.when
        try:
            for action in self._story.given:
                self._reach("Given", action.given)
                action.carry_out(world)
            for place, action in enumerate(when):
                self._reach("When", action.step)
                self._carry_out(action, (*self._story.given, *when[:place]), place)
                if self.violation is not None or self.unjudged:
                    return
        except (NotJudgedError, FleetError) as problem:
            self.unjudged = str(problem)

    def _carry_out(self, action: Action, earlier: tuple[Action, ...], place: int) -> None:
        world = self._world
        if not is_judged(action.kind.name):
            action.carry_out(world)
        elif self._asynchronous:
            # What the last webhook brings about may come only now, and is no part of what follows.
            world.let_pass()
            self._carry_out_judged(action, earlier, place)
        else:
            with world.at_rest():
                self._carry_out_judged(action, earlier, place)

    def _carry_out_judged(self, action: Action, earlier: tuple[Action, ...], place: int) -> None:
        world = self._world
        before, other, since = situation_of(world), self._other(), world.journal.last
        self.covered.update((one.kind.name, phase_of(action)) for one in earlier[2:])
        try:
            action.carry_out(world)
            now = situation_of(world)
        except ConformanceFailure as failure:
            if phase_of(action) == "webhook" and not before.well and world.implementation.crash is None:
                # Webhooks of which the second takes the first for granted, which need not be believed here.
                self.unjudged = str(failure)
            else:
                self._broken(Promise(_by_breaking(action, earlier), _RUNS), failure, place)
            return
        self._take_note(place, since)
        last = place == len(self._story.when) - 1
        self._judge(Moment(action, earlier, before, now, other, self._log, self._asynchronous, last), place)

    def _judge(self, moment: Moment, place: int) -> None:
        for promise in promises(moment):
            if self._judged and promise.requirement not in self._judged:
                continue
            self._reach("Then", promise.then)
            try:
                check_of(promise.then)(self._world)
            except ConformanceFailure as failure:
                self._broken(promise, failure, place)
                return
            self.kept += 1

    def _take_note(self, place: int, since: int) -> None:
        """Remember whom the implementation called since then, so that each call can be made to fail."""
        for entry in self._world.journal.entries(after=since):
            if isinstance(entry, RequestArrived) and not is_own(entry):
                occasion = POSTED if entry.endpoint is Endpoint.SEND else ASKED
                if (call := (place, entry.instance, occasion)) not in self.asked:
                    self.asked.append(call)

    def _other(self) -> Situation | None:
        world = self._world
        return situation_of(world, world.other_account) if len(world.accounts) > 1 else None

    def _broken(self, promise: Promise, failure: ConformanceFailure, place: int) -> None:
        if self._judged and promise.requirement not in self._judged:
            self.unjudged = f"not claimed: {failure}"
            return
        cut = self._story.with_when(self._story.when[: place + 1])
        self.violation = Violation(cut, promise, failure.expected, failure.observed, self._world.history)

    def _reach(self, keyword: str, text: str) -> None:
        self._world.journal.record(StepReached(text=f"{keyword} {text}"))

    def close(self) -> None:
        """End the world; an implementation that had ended by itself is a finding of its own."""
        world = self._world
        try:
            if self.violation is None and not self.unjudged:
                world.check_implementation_runs()
        except ConformanceFailure as failure:
            *earlier, last = self._story.actions
            broken = Promise(_by_breaking(last, earlier), _RUNS)
            self._broken(broken, failure, len(self._story.when) - 1)
        try:
            world.close()
        except ConformanceFailure as failure:
            if self.violation is None:
                self.unjudged = self.unjudged or str(failure)


def phase_of(action: Action) -> str:
    """Return what an action tries: a send, a webhook or a check."""
    if is_webhook(action):
        return "webhook"
    return "check" if action.kind.name.startswith("health-check") else "send"


def _by_breaking(action: Action, earlier: Iterable[Action]) -> str:
    """Return the requirement that nothing breaks, by what broke it."""
    phase, behaviours = phase_of(action), [one.get("behaviour") for one in earlier]
    if phase == "check" and "never answers" in behaviours:
        return "HEALTH-05"
    if phase == "check" and any(behaviours):
        return "HEALTH-11"
    return {"webhook": "WEBHOOK-17", "check": "HEALTH-12", "send": "SEND-09"}[phase]
