"""The commands of `instance-sync fleet`: what each takes, and the order that it becomes. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fake_instances.faults import Endpoint
from fake_instances.placement import Handover
from fake_instances.sessions import SessionStatus
from fake_instances.webhooks.retries import POLICIES
from harness.cli import fleet_words

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Order:
    """One call of the control API, and how its answer is told."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    told: Callable[[Any], list[str]] = field(default=lambda _: ["done"])


def values(words: Sequence[str]) -> dict[str, Any]:
    """Read parameters such as `size=10`, `html=null` or `by.kind=reset`: a value is JSON where it is, and else text.

    Raises:
        ValueError: a word has no equals sign, or a name is given twice.
    """
    read: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        *above, last = name.split(".")
        place = read
        for part in above:
            place = place.setdefault(part, {})
        if not equals or not all([*above, last]) or not isinstance(place, dict) or last in place:
            raise ValueError(f"{word!r}: write each parameter once, as name=value, such as size=10")
        try:
            place[last] = json.loads(text)
        except ValueError:
            place[last] = text
    return read


# What is ordered


def _status(_: argparse.Namespace) -> Order:
    return Order("GET", "/status", told=fleet_words.status_lines)


def _sessions(options: argparse.Namespace) -> Order:
    path = f"/instances/{options.instance}/sessions"
    return Order("GET", path, told=lambda answer: fleet_words.session_lines(answer["sessions"]))


def _hold(options: argparse.Namespace) -> Order:
    body = {
        "session_id": options.session,
        "instance": options.instance,
        "workspace_id": options.workspace,
        "phone_number": options.phone,
        "status": options.status,
    }
    return Order("PUT", "/sessions", body, _holders)


def _connect(options: argparse.Namespace) -> Order:
    body = {
        "session_id": options.session,
        "instance": options.instance,
        "workspace_id": options.workspace,
        "phone_number": options.phone,
    }
    return Order("POST", "/sessions/connect", body, _holders)


def _set_status(options: argparse.Namespace) -> Order:
    body = {"session_id": options.session, "instance": options.instance, "status": options.status}
    return Order("PUT", "/sessions/status", body, _holders)


def _let_go(options: argparse.Namespace) -> Order:
    body = {"session_id": options.session, "instance": options.instance}
    return Order("DELETE", "/sessions", body, _holders)


def _migrate(options: argparse.Namespace) -> Order:
    body = {
        "session_id": options.session,
        "to": options.to,
        "handover": options.handover,
        "announce": not options.silent,
        "after_answer_of": options.after_answer_of,
    }
    return Order("POST", "/migrations", body, _holders)


def _finish(options: argparse.Namespace) -> Order:
    return Order("POST", "/migrations/finish", {"session_id": options.session}, _holders)


def _fault(options: argparse.Namespace) -> Order:
    body = {
        "instance": options.instance,
        "fault": {"kind": options.kind, **values(options.parameters)},
        "endpoints": options.endpoint,
        "times": options.times,
        "session_id": options.session,
        "chance": options.chance,
        "seed": options.seed,
    }
    return Order("POST", "/faults", body, lambda answer: [f"fault {answer['number']}: {answer['words']}"])


def _faults(_: argparse.Namespace) -> Order:
    def told(document: Any) -> list[str]:
        return fleet_words.fault_lines(document["components"]["schemas"]["Fault"])

    return Order("GET", "/openapi.json", told=told)


def _clear(options: argparse.Namespace) -> Order:
    return Order("DELETE", "/faults", {"instance": options.instance, "number": options.number})


def _webhook(options: argparse.Namespace) -> Order:
    body = {
        "instance": options.instance,
        "session_id": options.session,
        "event": options.event,
        "fields": values(options.field) or None,
        "alteration": values(options.alterations) or None,
    }
    return Order("POST", "/webhooks", body, lambda answer: [fleet_words.webhook_line(answer)])


def _replay(options: argparse.Namespace) -> Order:
    body = {"webhook": options.webhook, "alteration": values(options.alterations) or None}
    return Order("POST", "/webhooks/replay", body, lambda answer: [fleet_words.webhook_line(answer)])


def _release(options: argparse.Namespace) -> Order:
    body = {"webhook": options.webhook, "newest_first": options.newest_first}

    def told(answer: Any) -> list[str]:
        return [fleet_words.webhook_line(one) for one in answer["released"]] or ["no webhook was kept back"]

    return Order("POST", "/webhooks/release", body, told)


def _retries(options: argparse.Namespace) -> Order:
    told = f"webhooks are tried again: {options.policy}"
    return Order("PUT", "/webhooks/policy", {"policy": options.policy}, lambda _: [told])


def _control_plane(options: argparse.Namespace) -> Order:
    return Order("PUT", "/control-plane", {"url": options.url})


def _journal(options: argparse.Namespace) -> Order:
    return journal_after(options.after, options.kind, limit=options.limit)


def journal_after(after: int, kind: str | None, **more: int) -> Order:
    """Give the order for the entries behind one, of one kind if one is named, with `limit` or `wait` (seconds)."""
    query = urlencode({"after": after, **({"kind": kind} if kind else {}), **more})
    return Order(
        "GET",
        f"/journal?{query}",
        told=lambda answer: [fleet_words.entry_line(one) for one in answer["entries"]],
    )


def _reset(_: argparse.Namespace) -> Order:
    return Order("POST", "/reset", {})


def _holders(answer: Any) -> list[str]:
    if "trigger" in answer:
        return ["it moves behind that answer"]
    return [f"held by {' and '.join(map(str, answer['holders'])) or 'no instance'}"]


# What each takes


def _takes_nothing(_: argparse.ArgumentParser) -> None:
    pass


def _takes_instance(command: argparse.ArgumentParser) -> None:
    command.add_argument("instance", type=int, help="its number, such as 3001")


def _takes_session(command: argparse.ArgumentParser) -> None:
    command.add_argument("session", help="its session_id")


def _takes_copy(command: argparse.ArgumentParser) -> None:
    _takes_session(command)
    _takes_instance(command)


def _takes_new_session(command: argparse.ArgumentParser) -> None:
    _takes_copy(command)
    command.add_argument("--workspace", type=int, default=1, metavar="ID")
    command.add_argument("--phone", metavar="NUMBER")


def _takes_copy_and_status(command: argparse.ArgumentParser) -> None:
    _takes_copy(command)
    command.add_argument("status", choices=[one.value for one in SessionStatus])


def _takes_new_copy(command: argparse.ArgumentParser) -> None:
    _takes_new_session(command)
    command.add_argument(
        "--status", choices=[one.value for one in SessionStatus], default=SessionStatus.CONNECTED.value
    )


def _takes_move(command: argparse.ArgumentParser) -> None:
    _takes_session(command)
    command.add_argument("to", type=int, help="the instance that it moves to")
    command.add_argument(
        "--handover",
        choices=[one.value for one in Handover],
        default=Handover.AT_ONCE.value,
        help="what the instances hold meanwhile (default: at-once)",
    )
    command.add_argument("--silent", action="store_true", help="no webhook announces it")
    command.add_argument(
        "--after-answer-of", type=int, metavar="INSTANCE", help="move right behind its next health answer"
    )


def _takes_fault(command: argparse.ArgumentParser) -> None:
    _takes_instance(command)
    command.add_argument("kind", metavar="KIND", help="`instance-sync fleet faults` lists them")
    command.add_argument("parameters", nargs="*", metavar="NAME=VALUE")
    command.add_argument(
        "--endpoint",
        action="append",
        choices=[one.value for one in Endpoint],
        metavar="ENDPOINT",
        help=f"of {', '.join(Endpoint)}; may be repeated",
    )
    command.add_argument(
        "--times", type=int, metavar="N", help="for the next N requests (default: until cleared)"
    )
    command.add_argument("--session", metavar="ID", help="only requests that name this session")
    command.add_argument("--chance", type=float, help="each request meets it with this chance; needs --seed")
    command.add_argument("--seed", type=int, metavar="N")


def _takes_what_to_clear(command: argparse.ArgumentParser) -> None:
    command.add_argument("instance", type=int, nargs="?", help="of this instance only")
    command.add_argument("--number", type=int, metavar="N", help="this fault only")


def _takes_alterations(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "alterations",
        nargs="*",
        metavar="NAME=VALUE",
        help="how it differs from the genuine one: claim=…, timestamp=…, secret=…, body=…, signed=false, "
        "signature=…, flipped_digit=0",
    )


def _takes_webhook(command: argparse.ArgumentParser) -> None:
    _takes_instance(command)
    _takes_session(command)
    command.add_argument("--event", default="session_ready")
    command.add_argument("--field", action="append", default=[], metavar="NAME=VALUE", help="of its data")
    _takes_alterations(command)


def _takes_replay(command: argparse.ArgumentParser) -> None:
    command.add_argument("webhook", type=int, help="its number in the journal")
    _takes_alterations(command)


def _takes_release(command: argparse.ArgumentParser) -> None:
    command.add_argument("webhook", type=int, nargs="?", help="this one only")
    command.add_argument("--newest-first", action="store_true")


def _takes_policy(command: argparse.ArgumentParser) -> None:
    command.add_argument("policy", choices=list(POLICIES))


def _takes_url(command: argparse.ArgumentParser) -> None:
    command.add_argument("url")


def _takes_journal(command: argparse.ArgumentParser) -> None:
    command.add_argument("--after", type=int, default=0, metavar="N", help="behind entry N")
    command.add_argument("--limit", type=int, default=1000, metavar="N")
    command.add_argument("--kind", help="of this kind only, such as RequestArrived")
    command.add_argument("--follow", action="store_true", help="go on as entries are written, until Ctrl-C")


COMMANDS: tuple[
    tuple[str, str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], Order]],
    ...,
] = (
    ("status", "tell how every instance is", _takes_nothing, _status),
    ("sessions", "list the copies that an instance holds", _takes_instance, _sessions),
    ("hold", "put a copy of a session on an instance, silently", _takes_new_copy, _hold),
    ("connect", "connect a session, announced by session_ready", _takes_new_session, _connect),
    ("set-status", "change the state of a copy, silently", _takes_copy_and_status, _set_status),
    ("release", "take a copy of a session from an instance, silently", _takes_copy, _let_go),
    ("migrate", "move a session to another instance", _takes_move, _migrate),
    ("finish", "end the split brain or the gap of a session", _takes_session, _finish),
    ("fault", "have an instance misbehave", _takes_fault, _fault),
    ("faults", "list every kind of fault and what it takes", _takes_nothing, _faults),
    ("clear", "clear every fault, or some", _takes_what_to_clear, _clear),
    ("webhook", "send a webhook, genuine or altered", _takes_webhook, _webhook),
    ("replay", "send a webhook that went out before once more", _takes_replay, _replay),
    ("release-webhooks", "send what was kept back", _takes_release, _release),
    ("retries", "choose when a webhook that did not get through is sent again", _takes_policy, _retries),
    ("control-plane", "say where webhooks go", _takes_url, _control_plane),
    ("journal", "show what happened, in order", _takes_journal, _journal),
    ("reset", "clear every fault, let every session go and have every instance run", _takes_nothing, _reset),
)
"""Name, meaning, what it takes, and the order that it becomes."""


def act(options: argparse.Namespace) -> Order:
    """Give the order that does something to an instance as a whole."""
    body = {"keep_sessions": not getattr(options, "without_sessions", False)}
    path = f"/instances/{options.instance}/{options.action}"
    return Order("POST", path, body, fleet_words.instance_lines)
