"""Measures how the machine was while a scenario ran: whether it stood still, and whether others kept it busy."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from fake_instances.journal import now

_BEAT_SECONDS = 0.02
_NOTED_SECONDS = 0.05
"""A beat that is less late than this is not worth a note."""
_MOST_NOTED = 10_000
_QUIET_SECONDS = 0.3
_NO_IDLE = 0.1
_MOSTLY_OTHERS = 0.4


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on this machine: in Unix seconds, and in seconds of processor time, all cores together.

    `ours` is what this process and those that it started have used.
    """

    at: float
    total: float
    idle: float
    ours: float


@dataclass(frozen=True, slots=True)
class Strain:
    """How the machine was between two moments.

    `still` is how long this process did not come to do anything, in seconds. `idle` and `others` are shares of
    all processor time: what nobody used, and what others used than this process and those that it started.
    """

    still: float = 0.0
    idle: float = 1.0
    others: float = 0.0

    def standstill(self, timeout: float) -> str:
        """Say that the machine stood still for long, where time counts by such a timeout; empty if it did not."""
        return f"the machine stood still for {self.still:.2f} s" if self.still >= timeout / 4 else ""

    @property
    def crowd(self) -> str:
        """Say that others left nothing idle; empty if they did not. What the implementation uses is not theirs."""
        if self.idle >= _NO_IDLE or self.others < _MOSTLY_OTHERS:
            return ""
        return f"other programs used {self.others:.0%} of the machine and left {self.idle:.0%} of it idle"


class Machine:
    """Measures the machine, by a thread that wants to act fifty times a second and notes when it came too late."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=_MOST_NOTED)
        self._beat = now()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to measure; do nothing if that has begun."""
        if self._thread is None:
            self._over.clear()
            self._beat = now()
            self._thread = threading.Thread(target=self._go_on, name="heartbeat", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Measure no longer."""
        if self._thread is not None:
            self._over.set()
            self._thread.join()
            self._thread = None

    def moment(self) -> Moment:
        """Return the moment that it is."""
        # On a thread of its own, which no signal breaks off in the middle of reading a file.
        with ThreadPoolExecutor(1, "moment") as apart:
            return apart.submit(_moment).result()

    def since(self, began: Moment) -> Strain:
        """Return how the machine was since a moment."""
        ended = self.moment()
        late = [seconds for at, seconds in tuple(self._late) if at > began.at]
        if self._thread is not None:
            late.append(ended.at - max(self._beat, began.at) - _BEAT_SECONDS)
        spent = ended.total - began.total
        if spent <= 0:
            return Strain(max(late, default=0.0))
        idle = (ended.idle - began.idle) / spent
        ours = max(ended.ours - began.ours, 0.0) / spent
        return Strain(max(late, default=0.0), idle, max(1 - idle - ours, 0.0))

    def await_quiet(self, *, patience: float) -> bool:
        """Wait until the machine comes on time and has something idle; False if that took over `patience` seconds."""
        deadline = now() + patience
        while now() < deadline:
            began = self.moment()
            self._over.wait(_QUIET_SECONDS)
            strain = self.since(began)
            if not (strain.standstill(_QUIET_SECONDS) or strain.crowd):
                return True
        return False

    def _go_on(self) -> None:
        while not self._over.wait(_BEAT_SECONDS):
            last, self._beat = self._beat, now()
            if (late := self._beat - last - _BEAT_SECONDS) > _NOTED_SECONDS:
                self._late.append((self._beat, late))


def _moment() -> Moment:
    times = psutil.cpu_times()
    # What a guest uses is part of what its user uses.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return Moment(now(), total, times.idle + getattr(times, "iowait", 0.0), _used_by_ours())


def _used_by_ours() -> float:
    this = psutil.Process()
    used = 0.0
    for one in (this, *this.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            # Those that have ended are counted with whoever started them.
            used += times.user + times.system
            used += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return used
