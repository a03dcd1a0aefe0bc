"""Workers of an exploration: processes, each with instances and an implementation of its own.

A worker ends when its pipe closes, so that nothing is left of it whatever becomes of the process that started it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
import traceback
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import chain
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from harness.attach.setup import Setup
from harness.catalogue.requirements import Level, Profile
from harness.contract import Settings
from harness.errors import HarnessError, LaunchError
from harness.explore.conduct import Carried, Conduct, Violation, warm_up
from harness.explore.failing import Failing
from harness.explore.found.looking_into import LookingInto
from harness.explore.making import stories
from harness.history import History
from harness.targets.reader import load_target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection

    from fake_instances.addresses import InstanceAddress
    from harness.catalogue.requirements import Requirement
    from harness.contract import Target
    from harness.explore.found.finding import Finding
    from harness.explore.story import Story

EARLIER = 32
"""How many stories before a violation are remembered."""
_IN_MEMORY = "/dev/shm"  # noqa: S108 - folders in it are made by tempfile, which nobody can guess
_TOLD_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Post:
    """What a worker is set up with."""

    target: str
    addresses: tuple[InstanceAddress, ...]
    database: str
    seed: int
    judged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explore:
    """Tell every `of`th story from the `share`th on, after some that are told first, as long as that is allowed."""

    share: int
    of: int
    seconds: float
    most: int
    first: tuple[Story, ...] = ()


@dataclass(frozen=True, slots=True)
class LookInto:
    """Look into a violation; `number` is given back with the finding."""

    number: int
    violation: Violation
    earlier: tuple[Story, ...]


@dataclass(slots=True)
class Told:
    """What a worker has told since it said so last."""

    stories: int = 0
    actions: int = 0
    kept: int = 0
    cpu: float = 0.0
    unjudged: dict[str, int] = field(default_factory=dict)
    covered: set[tuple[str, str]] = field(default_factory=set)
    violations: list[tuple[Violation, tuple[Story, ...], float]] = field(default_factory=list)
    ended: bool = False

    def add(self, carried: Carried) -> None:
        """Count a story."""
        self.stories += 1
        self.actions += len(carried.story.actions)
        self.kept += carried.kept
        self.cpu += carried.cpu
        self.covered |= carried.covered
        if carried.unjudged:
            self.unjudged[carried.unjudged] = self.unjudged.get(carried.unjudged, 0) + 1

    def add_all(self, other: Told) -> None:
        """Add what another has told."""
        self.stories += other.stories
        self.actions += other.actions
        self.kept += other.kept
        self.cpu += other.cpu
        self.covered |= other.covered
        self.violations += other.violations
        for why, times in other.unjudged.items():
            self.unjudged[why] = self.unjudged.get(why, 0) + times


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found out of a violation."""

    number: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a worker cannot go on; `launch` if the implementation did not come up."""

    why: str
    launch: bool


def settings_for(target: Any) -> Settings | None:
    """Return the settings that keep stories short; None for what runs already."""
    return None if target.url else Settings(verify_timeout=0.4, send_timeout=1.0)


def judged_of(target: Target, known: Mapping[str, Requirement]) -> tuple[str, ...]:
    """Return the ids of the requirements that stories judge of a target: those that it claims."""
    return tuple(
        one.id
        for one in known.values()
        if one.level is not Level.SELF
        and one.profile in target.claims
        and one.id not in target.not_applicable
    )


def in_memory() -> str | None:
    """Return where databases do not wait for a disk; None if the user chose another place, or there is none."""
    return _IN_MEMORY if "TMPDIR" not in os.environ and os.access(_IN_MEMORY, os.W_OK) else None


class Worker:
    """A worker, seen from the process that started it."""

    def __init__(self, post: Post) -> None:
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, post), daemon=True)
        self._process.start()
        other.close()
        self.busy = False

    def give(self, work: Explore | LookInto) -> None:
        """Give it something to do."""
        self.busy = True
        self.pipe.send(work)

    def take(self) -> Told | Looked | Failed | str:
        """Return what it says next; a text is what is under way."""
        try:
            said: Told | Looked | Failed | str = self.pipe.recv()
        except (EOFError, OSError):
            said = Failed("a worker was lost", launch=False)
        if not isinstance(said, str) and not (isinstance(said, Told) and not said.ended):
            self.busy = False
        return said

    def end(self) -> None:
        """End it, with everything that it started."""
        self.pipe.close()
        self._process.join(10.0)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(5.0)


def _work(pipe: Connection, post: Post) -> None:
    # Ctrl-C reaches the whole group; the process that started this one says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _leave())
    tempfile.tempdir = in_memory()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            with set_up(post) as setup:
                _obey(pipe, post, setup)
        except LaunchError as problem:
            pipe.send(Failed(str(problem), launch=True))
        except HarnessError as problem:
            pipe.send(Failed(str(problem), launch=False))
        except (EOFError, OSError):
            raise
        except Exception:  # noqa: BLE001 - the one who started it tells it; a traceback here would be in its output
            pipe.send(Failed(f"a worker broke: {traceback.format_exc()}", launch=False))


@contextlib.contextmanager
def set_up(post: Post) -> Iterator[Setup]:
    """Set up instances and an implementation, and have it do once what is slow the first time."""
    target = load_target(post.target)
    with Setup(target, post.addresses, settings_for(target), database=post.database) as setup:
        warm_up(setup)
        yield setup


def _leave() -> None:
    raise SystemExit(1)


def _obey(pipe: Connection, post: Post, setup: Setup) -> None:
    while True:
        work = pipe.recv()
        if isinstance(work, Explore):
            pipe.send(_explore(pipe, post, setup, work))
        else:
            looking = LookingInto(setup, post.seed, pipe.send)
            pipe.send(Looked(work.number, looking.look_into(work.violation, work.earlier)))


def _explore(pipe: Connection, post: Post, setup: Setup, work: Explore) -> Told:
    told = Told()
    began = said = time.monotonic()
    for carried, before in tell(setup, post.seed, share(setup.fleet.numbers, post.seed, work), post.judged):
        now = time.monotonic()
        told.add(carried)
        if carried.violation is not None:
            bare = replace(carried.violation, history=History(()))
            told.violations.append((bare, before, now - began))
        if now - began >= work.seconds or pipe.poll():
            break
        if now - said >= _TOLD_SECONDS:
            pipe.send(told)
            told, said = Told(), now
    told.ended = True
    return told


def tell(
    setup: Setup, seed: int, made: Iterator[Story], judged: Collection[str] = ()
) -> Iterator[tuple[Carried, tuple[Story, ...]]]:
    """Tell stories, and after each those that follow from it; return what became of each, with the stories before."""
    conduct, failing = Conduct(setup, seed, judged), Failing()
    before: deque[Story] = deque(maxlen=EARLIER)
    due: deque[Story] = deque()
    fitting = (one for one in made if is_claimed(one, setup.target.claims))
    while (story := due.popleft() if due else next(fitting, None)) is not None:
        carried = conduct.carry_out(story)
        setup.fleet.journal.forget()
        due.extend(failing.of(carried))
        yield carried, tuple(before)
        before.append(story)


def share(numbers: Sequence[int], seed: int, work: Explore) -> Iterator[Story]:
    """Return the stories of one share: the same for the same seed, whoever tells the others."""
    made = chain(work.first, stories(numbers, seed))
    for place, story in enumerate(made):
        if place >= work.most:
            return
        if place % work.of == work.share:
            yield story


def is_claimed(story: Story, claims: Collection[str]) -> bool:
    """Say whether an implementation that claims these profiles has what a story uses: a health check, if any."""
    return Profile.HEALTH_CHECK in claims or not any(
        one.kind.name.startswith("health-check") for one in story.when
    )
