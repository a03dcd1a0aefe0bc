"""Faults of the listener and of the wire: how an answer goes out, when, or not at all. Pure."""

from __future__ import annotations

from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from fake_instances.faults.base import Bytes, Endpoint, Fault, Seconds


class Refuse(Fault):
    """The listener is closed: a new connection is refused by the system.

    Live connections are dropped, except, where it `finishes`, those whose answer is about to go out.
    """

    finishes: bool = False

    endpoints = usual = frozenset({Endpoint.LISTENER})

    words = "refuses connections"


class ResetOnAccept(Fault):
    """A new connection is accepted and reset at once, before anything is read. Live connections go on."""

    endpoints = usual = frozenset({Endpoint.LISTENER})

    words = "resets connections on accept"


class WireFault(Fault):
    """Base of what goes wrong in sending the answer."""

    lingers: ClassVar[bool] = False
    """Whether the answer takes long, or never ends, so that nobody should wait for it."""

    @property
    def swallows(self) -> bool:
        """Whether no byte of an answer goes out, and the request is not carried out."""
        return False


class Hang(WireFault):
    """The connection stays open and silent until the caller gives up or the fault is cleared.

    Without `after` it does so before the headers, and the request is not carried out; with it the request is, and
    the headers and that many bytes of the body go out first.
    """

    after: Bytes | None = None

    lingers = True

    @property
    def swallows(self) -> bool:  # noqa: D102 - the base says it
        return self.after is None

    def __str__(self) -> str:
        if self.after is None:
            return "accepts the request and never answers"
        return f"falls silent {self.after} bytes into the body"


class Close(WireFault):
    """The request is read, not carried out, and the connection is closed in order (FIN) without an answer."""

    @property
    def swallows(self) -> bool:  # noqa: D102 - the base says it
        return True

    words = "closes the connection without answering"


class Reset(WireFault):
    """The connection is reset (RST).

    Without `after` that is before the headers, and the request is not carried out; with it the request is, and the
    headers and that many bytes of the body arrive first.
    """

    after: Bytes | None = None

    @property
    def swallows(self) -> bool:  # noqa: D102 - the base says it
        return self.after is None

    def __str__(self) -> str:
        if self.after is None:
            return "resets the connection without answering"
        return f"resets the connection {self.after} bytes into the body"


class Drip(WireFault):
    """The whole true answer goes out, headers too, `size` bytes at a time with `every` seconds between."""

    size: Annotated[int, Ge(1), Le(1 << 30)] = 1
    every: Annotated[float, Gt(0), Le(3600)] = 0.1

    lingers = True

    words = "drips {0.size} bytes of its answer every {0.every:g} s"


class Truncate(WireFault):
    """The body ends, in order (FIN), `missing` bytes before its Content-Length.

    A shorter body is left out, and the Content-Length still promises that many bytes more.
    """

    missing: Annotated[int, Ge(1), Le(1 << 30)] = 1

    words = "ends its answer {0.missing} bytes early"


class CloseIdle(WireFault):
    """The true answer says that the connection is kept, and then it is closed at once, in order (FIN).

    The caller finds out at its next request. A caller that asked for the connection's end does not meet it.
    """

    words = "closes a connection as soon as it is idle"


class KeepIdle(WireFault):
    """The connection is never closed for being idle, whatever the answer promises."""

    words = "keeps idle connections open"


class Delay(Fault):
    """The request is carried out at once and its answer goes out `seconds` later."""

    seconds: Seconds

    words = "answers {0.seconds:g} s late"
