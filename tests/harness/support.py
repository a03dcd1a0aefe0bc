"""Made-up catalogues, scenarios, results, history entries and targets for the tests of the harness."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from fake_instances.faults import Endpoint
from fake_instances.journal import AnswerBegun, Entry, MessageDelivered, RequestArrived, RequestCompleted
from harness.catalogue.features import WrittenScenario
from harness.catalogue.record import Record, level_of, row_of, scenario_id
from harness.catalogue.requirements import Catalogue, Level, Profile, Requirement
from harness.catalogue.verdict import Outcome, Run
from harness.contract import Launch, LogLine, Row, Settings, Target
from harness.errors import ConformanceFailure
from harness.history import History, UserAnswered, UserSends

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

ROOT = Path(__file__).parents[2]
FEATURES = ROOT / "features"
PATIENCE = 20.0
"""Seconds until a test gives up waiting for an event; nothing waits this long when all is well."""

HOOKS = """\
[state]
via = "http"
path = "/conformance/accounts"
[log]
via = "http"
path = "/conformance/log?after={cursor}"
"""
"""What a target file says whose rows and log go over HTTP, as the reference's with CONFORMANCE_HOOKS=on."""

SESSION = "webjs_1_1763798326_U9tUyl0b"

CORE, SECURITY = frozenset({Profile.CORE}), frozenset({Profile.SECURITY})


def catalogue(**levels: str) -> Catalogue:
    """Return a catalogue: SCAN_01="must" is of profile core, AUTH_05="must:security" of profile security."""
    requirements = []
    for name, words in levels.items():
        level, _, profile = words.partition(":")
        requirements.append(
            Requirement(
                id=name.replace("_", "-"),
                level=Level(level),
                profile=Profile(profile or "core"),
                words=f"{name} holds.",
                source=("field",),
            )
        )
    return Catalogue(1, tuple(requirements))


def record_of(one: WrittenScenario, catalogue: Catalogue, node: str, **more: object) -> Record:
    """Return the record of a run that passed, but for what is given."""
    row = row_of(node)
    made = Record(
        id=scenario_id(one.file, one.name, row),
        name=one.name,
        row=row,
        file=one.file,
        line=one.line,
        rule=one.rule,
        level=level_of(one.requirement_ids, catalogue),
        requirement_ids=one.requirement_ids,
        outcome=Outcome.PASSED,
        reason="",
        ran=True,
        node=node,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def run(
    *records: Record,
    also_written: Mapping[str, Collection[str]] | None = None,
    also_expected: Collection[str] = (),
    trouble: str = "",
    crash: str = "",
) -> Run:
    """Return a run of these records, and of scenarios that were written or expected and did not run."""
    written: dict[str, set[str]] = {one: set(names) for one, names in (also_written or {}).items()}
    for each in records:
        for one in each.requirement_ids:
            written.setdefault(one, set()).add(each.node)
    return Run(written, {*(each.node for each in records), *also_expected}, records, trouble, crash)


def scenario(name: str, *tags: str, file: str = "core/scan.feature", examples: int = 0) -> WrittenScenario:
    return WrittenScenario(file=file, line=1, rule="", name=name, tags=frozenset(tags), examples=examples)


def history(*entries: Entry, seconds: float = 0.1) -> History:
    """Return a history of entries in this order, each `seconds` after the one before unless it has a time."""
    return History(
        tuple(
            replace(entry, sequence=place, at=entry.at or 1000 + seconds * place)
            for place, entry in enumerate(entries, start=1)
        )
    )


def user_sends(text: str = "hello", *, call: int = 1, assigned: str | None = "http://one") -> UserSends:
    return UserSends(
        call=call, account_id=142, session_id=SESSION, assigned=assigned, recipient="628111", text=text
    )


def user_answered(
    status: int | None = 200,
    body: str = '{"success":true}',
    *,
    told_sent: bool = True,
    seconds: float = 0.1,
    problem: str | None = None,
) -> UserAnswered:
    return UserAnswered(
        call=1, status=status, body=body, told_sent=told_sent, seconds=seconds, problem=problem
    )


def asked(
    instance: int,
    request: int,
    *,
    endpoint: Endpoint = Endpoint.HEALTH_DETAILED,
    session_id: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    at: float = 0.0,
) -> RequestArrived:
    """Return the arrival of a verification."""
    return RequestArrived(
        at=at,
        instance=instance,
        request=request,
        endpoint=endpoint,
        method="GET",
        target="/health/detailed?api_key=k",
        session_id=session_id,
        headers=headers,
        body=b"",
    )


def posted(instance: int, request: int, *, session_id: str = SESSION) -> RequestArrived:
    """Return the arrival of a message."""
    return RequestArrived(
        instance=instance,
        request=request,
        endpoint=Endpoint.SEND,
        method="POST",
        target="/api/messages/send",
        session_id=session_id,
        headers=(),
        body=b"{}",
    )


def answered(instance: int, request: int, status: int = 200) -> AnswerBegun:
    return AnswerBegun(instance=instance, request=request, status=status)


def ended(instance: int, request: int, ending: str = "caller left", *, at: float = 0.0) -> RequestCompleted:
    return RequestCompleted(at=at, instance=instance, request=request, status=None, ending=ending, sent=0)


def delivered(
    instance: int, text: str = "hello", *, request: int = 1, session_id: str = SESSION
) -> MessageDelivered:
    return MessageDelivered(
        instance=instance,
        request=request,
        session_id=session_id,
        recipient="628111",
        text=text,
        message_id="m1",
    )


def row(**columns: object) -> Row:
    standard = {
        "id": 142,
        "workspace_id": 1,
        "session_id": SESSION,
        "phone_number": "62811801641",
        "status": "connected",
        "assigned_instance_url": "http://one",
        "updated_at": "2020-01-01",
    }
    return Row({**standard, **columns})


def line(text: str, **fields: object) -> LogLine:
    return LogLine(text, fields)


def target(*command: str, directory: Path = ROOT, **values: object) -> Target:
    """Return a target made by hand."""
    made = Target(name="made-up", version="1", claims=("core",), command=command, directory=directory)
    return replace(made, **values)  # type: ignore[arg-type]


def launch_of(folder: Path, *, host: str = "127.0.0.1", settings: Settings | None = None) -> Launch:
    """Return what a launch is given, with files in a folder."""
    return Launch(
        settings=settings or Settings(),
        database_url=f"sqlite:///{folder / 'accounts.db'}",
        instances=("http://127.0.0.1:3001", "http://127.0.0.1:3002"),
        api_key="the-api-key",
        hmac_secret="the-hmac-secret",
        log_file=folder / "sync.log",
        host=host,
    )


def failure(judge: Callable[[], None]) -> tuple[str, str]:
    """Return what a judgement expected and observed."""
    with pytest.raises(ConformanceFailure) as raised:
        judge()
    assert str(raised.value) == f"expected {raised.value.expected}; observed {raised.value.observed}"
    return raised.value.expected, raised.value.observed


def until(condition: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> None:
    """Wait for something that nothing announces, such as the end of another's process."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience:g} s until {what}"
        threading.Event().wait(0.01)


def runs(pid: int) -> bool:
    """Say whether a process runs; one that only waits to be reaped does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def can_listen(host: str, port: int) -> bool:
    """Say whether a port is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError:
            return False
        return True
