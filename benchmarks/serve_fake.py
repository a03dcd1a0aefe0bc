"""`python -m benchmarks.serve_fake SESSIONS`: one fake instance that holds this many sessions."""

from __future__ import annotations

import sys

from fake_instances import Fleet, InstanceAddress, Session
from fake_instances.journal import collect_seldom

NUMBER = 3001
API_KEY = "an-api-key-of-the-benchmark"


def session_id(number: int) -> str:
    """Give the id of one of the sessions."""
    return f"webjs_{number}_{1763798326 + number}_U9tUyl0b"


def main(sessions: int) -> None:
    """Serve until standard input ends; a line on it has the journal forget."""
    address = InstanceAddress(NUMBER, "127.0.0.1", 0)
    with Fleet([address], api_key=API_KEY, secret="a-secret-of-the-benchmark") as fleet:
        for number in range(sessions):
            moment = f"2024-11-22T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
            held = Session(session_id(number), number, f"62{8_111_000_000 + number}", connected_at=moment)
            fleet.hold(held, on=NUMBER)
        fleet.journal.forget()
        collect_seldom()  # as `python -m fake_instances` does
        print(fleet.url(NUMBER).rpartition(":")[2], flush=True)  # noqa: T201 - the parent reads it
        for _ in sys.stdin:
            fleet.journal.forget()


if __name__ == "__main__":
    main(int(sys.argv[1]))
