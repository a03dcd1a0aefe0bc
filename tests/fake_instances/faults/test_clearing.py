"""After any fault that fired and was cleared, an instance is byte for byte one that never had a fault."""

from __future__ import annotations

import contextlib
import json
import re

import pytest

from fake_instances import Fleet, InstanceAddress, Session, SessionStatus
from fake_instances.faults import (
    ALL,
    Alteration,
    AlterWebhook,
    Answer,
    AnswersAs,
    AnswersHollow,
    BrokenJson,
    ClaimsSent,
    Close,
    CloseIdle,
    Delay,
    DelayWebhook,
    DeniesSession,
    DeployedDialect,
    Drip,
    DuplicateWebhook,
    Endpoint,
    Fault,
    Hang,
    HoldWebhook,
    KeepIdle,
    Lists,
    ListsNothing,
    LoseWebhook,
    Miscounts,
    Misreports,
    Omits,
    Padding,
    Redirect,
    Refuse,
    Relabel,
    Reset,
    ResetOnAccept,
    SendLie,
    SendsThenFails,
    Truncate,
)
from fake_instances.journal import FaultExecuted
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    MESSAGE,
    PATIENCE,
    SECRET,
    SEND,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
)

OTHER = Session("webjs_2_other", 2, "628444555666")
UNKNOWN = {**MESSAGE, "session_id": "unknown"}
FAULTS: list[Fault] = [
    *(Refuse(), ResetOnAccept(), Hang(), Hang(5), Close(), Reset(), Reset(5), Drip(50, 0.0001), Truncate(5)),
    *(CloseIdle(), KeepIdle()),
    *(Delay(0.001), Answer(500), BrokenJson(), Relabel(), Redirect("http://elsewhere/"), Padding(1)),
    *(Lists(OTHER), Omits(SESSION_ID), Misreports(SESSION_ID, SessionStatus.FAILED), Miscounts(9, 3)),
    *(DeployedDialect(), ListsNothing(), AnswersAs(3002)),
    *(DeniesSession(), ClaimsSent(), AnswersHollow(), SendsThenFails(), SendsThenFails(by=Reset())),
]
WEBHOOK_FAULTS: list[Fault] = [
    *(LoseWebhook(), DelayWebhook(0.001), DuplicateWebhook(), DuplicateWebhook(at_once=True), HoldWebhook()),
    AlterWebhook(Alteration(claim="http://elsewhere")),
]


@pytest.fixture(scope="module")
def pristine_answers() -> list[bytes]:
    """Ask everything of a fleet that never had a fault."""
    addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
    with Fleet(addresses, api_key=API_KEY, secret=SECRET) as pristine:
        pristine.hold(SESSION, on=3001)
        with Caller(pristine) as caller:
            return every_answer(caller)


def masked(raw: bytes, *, timed: bool = False) -> bytes:
    """Return an answer without what differs from one moment or message to the next."""
    for name in (rb"ETag", rb"Content-Length") if timed or re.search(rb'"(timestamp|uptime)":', raw) else ():
        raw = re.sub(name + rb": [^\r]*", name + b": -", raw)
    raw = re.sub(rb"Date: [^\r]*", b"Date: -", raw)
    raw = re.sub(rb'"(timestamp|start_time)":("[^"]*"|\d+)', rb'"\1":-', raw)
    raw = re.sub(rb'"(uptime|pid)":[-0-9.e]+', rb'"\1":-', raw)
    return re.sub(rb"3EB0\w+", b"3EB0-", raw)


def every_answer(caller: Caller) -> list[bytes]:
    """Return every answer of every route, all over one connection."""
    targets = ["/", "/info", "/health", "/health/detailed", "/health/ready", LIST, STATUS]
    targets += ["/nowhere", "//health", f"/api/sessions/unknown/status?api_key={API_KEY}", "/api/sessions"]
    made = {"session_id": "made", "workspace_id": 7, "api_key": API_KEY}
    answers = [caller.get(target) for target in targets]
    caller.send(*(ask("HEAD", target) for target in targets))
    heads = [caller.receive(bodiless=True) for _ in targets]
    unchanged = caller.get(STATUS, f"If-None-Match: {answers[6].headers['ETag']}")
    messages = [
        caller.post(SEND, body) for body in (MESSAGE, {}, UNKNOWN, {**MESSAGE, "recipient_phone": "x"})
    ]
    answers += [unchanged, *messages, caller.post("/api/sessions", made), caller.get(LIST)]
    answers.append(caller.post("/api/sessions/made/reconnect", made))
    answers += [caller.post("/api/sessions/made", made, "DELETE") for _ in range(2)]
    caller.send(ask("POST", SEND, b"{broken"))
    answers.append(caller.receive())
    assert unchanged.status == 304
    timed = [b'"timestamp"' in answer.body for answer in answers[: len(targets)]]
    return [
        *(masked(answer.raw) for answer in answers),
        *(masked(head.raw, timed=by) for head, by in zip(heads, timed, strict=True)),
    ]


def fire(fleet: Fleet, fault: Fault, armed: int) -> None:
    """Make an armed fault fire, over its own connection."""
    if isinstance(fault, ResetOnAccept):
        with contextlib.suppress(ConnectionResetError):  # it may come before the system says it is there
            Caller(fleet).leave()
    elif not isinstance(fault, Refuse):
        body = UNKNOWN if isinstance(fault, ClaimsSent) else MESSAGE
        target = "/health/detailed" if isinstance(fault, DeployedDialect | Miscounts | Lists) else STATUS
        with Caller(fleet) as firing:
            sends = isinstance(fault, SendLie)
            firing.send(ask("POST", SEND, json.dumps(body).encode()) if sends else ask("GET", target))
            fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE, fault=armed)
    fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE, fault=armed)


def test_every_fault_is_tried() -> None:
    assert {type(fault) for fault in [*FAULTS, *WEBHOOK_FAULTS]} == set(ALL.values())


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_after_a_cleared_fault_everything_is_as_if_it_had_never_been(
    fleet: Fleet, pristine_answers: list[bytes], fault: Fault
) -> None:
    with Caller(fleet) as kept:
        assert kept.get("/health").status == 200
        armed = fleet.arm(fault, 3001)
        fire(fleet, fault, armed)
        fleet.clear(fault=armed)
        if not isinstance(fault, Refuse):
            assert every_answer(kept) == pristine_answers
    with Caller(fleet) as fresh:
        assert every_answer(fresh) == pristine_answers
    with Caller(fleet, 3002) as elsewhere:
        assert elsewhere.get(LIST).json["total"] == 0


def test_a_fault_in_force_does_change_an_answer(fleet: Fleet, pristine_answers: list[bytes]) -> None:
    fleet.arm(Relabel(), 3001, {Endpoint.HEALTH})
    with Caller(fleet) as fresh:
        assert every_answer(fresh) != pristine_answers
