"""Carries out wire faults on the connection of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_instances.faults import Close, CloseIdle, Drip, Hang, KeepIdle, Reset, Truncate
from fake_instances.http.protocol import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.faults import WireFault
    from fake_instances.http.connection import Connection
    from fake_instances.http.protocol import Headers


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the application returned it."""

    status: str
    headers: Headers
    body: bytes
    keep_alive: bool

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status[:3])

    def render(self) -> bytes:
        """Return its bytes."""
        return render(self.status, self.headers, self.body, keep_alive=self.keep_alive)


def misbehave(
    connection: Connection, fault: WireFault, answer: Answer, begin: Callable[[], object]
) -> tuple[int, bool]:
    """Carry out a wire fault to its end; return how many bytes went out, and whether they were a whole answer.

    `begin` is called before the first byte goes out. Unless a whole answer went out, the connection has ended.
    """
    data = answer.render()
    head = len(data) - len(answer.body)
    match fault:
        case Close():
            connection.end()
            return 0, False
        case Hang(after=after) | Reset(after=after):
            sent = 0 if after is None else _send(connection, data[: head + after], begin)
            if isinstance(fault, Hang):
                connection.wait_until_closed()
            else:
                connection.reset()
            return sent, False
        case Drip(size=size, every=every):
            begin()
            sent = _drip(connection, data, size, every)
            return sent, sent == len(data)
        case CloseIdle():
            sent = _send(connection, data, begin)
            connection.end()
            return sent, sent == len(data)
        case KeepIdle():
            connection.stays = True
            sent = _send(connection, data, begin)
            return sent, sent == len(data)
        case Truncate(missing=missing):
            sent = _send(connection, _truncated(answer, missing), begin)
            if sent:
                connection.end()
            return sent, False
    raise TypeError(f"no way is known in which an instance {fault}")


def _send(connection: Connection, data: bytes, begin: Callable[[], object]) -> int:
    begin()
    return len(data) if connection.send(data) else 0


def _drip(connection: Connection, data: bytes, size: int, every: float) -> int:
    for start in range(0, len(data), size):
        if start and connection.wait_until_closed(every):
            return start
        if not connection.send(data[start : start + size]):
            return start
    return len(data)


def _truncated(answer: Answer, missing: int) -> bytes:
    kept = answer.body[: max(0, len(answer.body) - missing)]
    promised = str(len(kept) + missing)
    headers = [(name, promised if name == "Content-Length" else value) for name, value in answer.headers]
    return render(answer.status, headers, kept, keep_alive=answer.keep_alive)
