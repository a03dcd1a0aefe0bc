"""One gateway instance that is judged: launched as a program, and handled by the hooks of its target."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from fake_instances.addresses import family_of, url_of
from harness.adapters.values import Call, Session
from harness.attach.adapted.gateway import AdaptedGateway
from harness.attach.drivers.command import CommandImplementation
from harness.attach.drivers.program import command_program, free_port
from harness.attach.http import refused, request
from harness.contract import Launch, Settings, Target
from harness.errors import HookError, NotJudgedError
from harness.gateway_contract import NUMBERS, Answer, Delivered, Hook, Tenant
from harness.history import Noted
from harness.json_text import json_of
from harness.placeholders import encoded, filled, filled_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from fake_instances.journal import Journal
    from harness.gateway_contract import GatewayTarget

_PATIENCE_SECONDS = (30.0, 5.0, 1.0)
"""What a hook has, what one has after that was waited for in vain, and what every later one has."""
_CHECK_SECONDS = 0.02
_LONGEST_KEPT = 4096
"""Characters of a value of an answer that fills later calls."""
_OWN_VALUES = frozenset({"url", "host", "control_url", "control_plane"})
"""What stands in a URL as it is; anything else is encoded to be within one segment."""


class HookPatience:
    """How long the hooks of all instances are waited for: shorter after each silence of one, until it is answered."""

    def __init__(self) -> None:
        self._silences: Counter[str] = Counter()

    def seconds(self, hook: str) -> float:
        """Return how long the next one of this name is waited for."""
        return _PATIENCE_SECONDS[min(self._silences[hook], len(_PATIENCE_SECONDS) - 1)]

    def ended(self, hook: str, *, silent: bool) -> None:
        """Take note of how one ended. What other hooks answer says nothing about it."""
        self._silences[hook] = self._silences[hook] + 1 if silent else 0


class Gateway:
    """One gateway instance, known by its number.

    It listens on free ports of `host`, and sends webhooks to the base URL `control_plane`. `secrets` are the API key
    that it demands, and what it signs webhooks with. Everything done to it is recorded in `journal`. `sessions` are
    those that its adapter was told of, and `patience` is for hooks: both are shared with the other instances.

    A hook that is missing or does not do its work raises NotJudgedError. An instance that does not come up or go away
    raises LaunchError.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what one process of the gateway is configured with
        self,
        target: GatewayTarget,
        number: int,
        host: str,
        control_plane: str,
        secrets: tuple[str, str],
        journal: Journal,
        sessions: MutableMapping[str, Session] | None = None,
        patience: HookPatience | None = None,
    ) -> None:
        self._target = target
        self._number = number
        self._host = host
        self._control_plane = control_plane
        self._secrets = secrets
        self._journal = journal
        self._scratch = Path(tempfile.mkdtemp(prefix="instance-sync-gateway-"))
        self._control_port = 0
        self._patience = patience or HookPatience()
        self._program: CommandImplementation | None = None
        self._kept: dict[str, dict[str, object]] = {}
        """What hooks kept of answers, by session."""
        self._adapted = (
            None
            if target.adapter is None
            else AdaptedGateway(
                target.adapter,
                target,
                lambda: self.url,
                control_plane,
                secrets,
                number=number,
                sessions={} if sessions is None else sessions,
            )
        )

    @property
    def url(self) -> str:
        """Its own base URL, where it listens now; empty while it does not run."""
        return "" if self._program is None else self._program.base_url

    @property
    def stated_url(self) -> str:
        """The URL by which it names itself, as its target states; empty where that states none."""
        stated = self._target.claims_as
        if not stated or self._program is None:
            return ""
        template = stated[NUMBERS.index(self._number) if len(stated) > 1 else 0]
        return filled_text(template, self._values(None))

    @property
    def problem(self) -> str | None:
        """Why it does not run any more, with its last output; None while it runs."""
        return f"instance {self._number} was ended" if self._program is None else self._program.problem

    def start(self) -> None:
        """Launch it on free ports and wait until it is ready."""
        self._control_port = free_port(self._host)
        names = ("command", "directory", "ready", "ready_timeout", "environment", "variables")
        same: dict[str, Any] = {name: getattr(self._target, name) for name in names}
        target = Target(f"instance {self._number}", version="", claims=(), log="none", **same)
        log_file, values = self._scratch / "gateway.log", self._values(None)
        given = Launch(Settings(), "", (), *self._secrets, log_file, self._host, values)
        program = CommandImplementation(
            target, given, self._scratch, command_program(target, given), section="instance"
        )
        program.start()
        self._program = program
        self._note(f"is up at {self.url}")

    def stop(self) -> None:
        """End it in order."""
        program, self._program = self._program, None
        if program is not None:
            program.stop()
            self._note("was ended")

    def close(self) -> None:
        """End it, and leave nothing of it behind."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def connect(self, tenant: Tenant) -> None:
        """Connect a session, as if its phone had just scanned the QR code."""
        self._note(f"is to connect {tenant.session_id}")
        self._call("connect", tenant)

    def create(self, tenant: Tenant) -> None:
        """Begin a login, which then waits for its QR code to be scanned."""
        self._note(f"is to show a QR code for {tenant.session_id}")
        self._call("create", tenant)

    def reconnect(self, tenant: Tenant, *, called: str = "") -> None:
        """Connect a connected session anew; `called` is the Host of the request, if not its own."""
        self._note(f"is to reconnect {tenant.session_id}{f', called {called}' if called else ''}")
        self._call("reconnect", tenant, headers={"Host": called} if called else {})

    def end(self, tenant: Tenant) -> None:
        """End a session permanently."""
        self._call("end", tenant)

    def get(self, path: str) -> Answer:
        """Ask one of its own routes, with the key."""
        if self._adapted is not None:
            call = Call("GET", f"{path}?api_key={self._secrets[0]}")
            return self._answered("get", lambda adapted, patience: adapted.get(path, call, patience))
        return self._request("get", Call("GET", f"{self.url}{path}?api_key={self._secrets[0]}"))

    def send(self, session_id: str, recipient: str, text: str) -> Answer:
        """Hand it a message."""
        call = self.message(session_id, recipient, text)
        if self._adapted is not None:
            call = replace(call, url="/api/messages/send")
            return self._answered(
                "send", lambda adapted, patience: adapted.send(session_id, recipient, text, call, patience)
            )
        return self._request("send", call)

    def message(self, session_id: str, recipient: str, text: str) -> Call:
        """Return the call by which it is handed a message, by the contract."""
        body = {
            "workspace_id": 1,
            "session_id": session_id,
            "recipient_phone": recipient,
            "message": text,
            "type": "text",
            "api_key": self._secrets[0],
        }
        return Call("POST", f"{self.url}/api/messages/send", body)

    def calls(self, name: str, tenant: Tenant) -> Sequence[Call]:
        """Return the calls that a hook makes for a session; none without a hook, or where an adapter makes them."""
        hook: Hook | None = getattr(self._target, name)
        if hook is None or self._adapted is not None:
            return ()
        values = {**self._kept.get(tenant.session_id, {}), **self._values(tenant)}
        return [self._filled(one, values, {}) for one in (hook, *hook.then)]

    def delivered(self) -> Sequence[Delivered]:
        """List the messages that really went out, including those before a restart."""
        if self._adapted is not None:
            hook = self._target.delivered
            call = None if hook is None else self._filled(hook, self._values(None), {})
            told = self._adapted.delivered(call, self._patience.seconds("delivered"))
            if told is not None:
                return told
        if self._target.delivered is None:
            raise NotJudgedError(
                "the target names no hook that lists what really went out: [instance] delivered"
            )
        answer = self._call("delivered", None)
        try:
            return delivered_from(json_of(answer.body))
        except ValueError as problem:
            raise NotJudgedError(f"the hook delivered: {problem}") from None

    def restart(self, tenants: Sequence[Tenant]) -> None:
        """Restart it under its port; in the end its sessions, those of `tenants`, are connected again."""
        self._note("is to restart")
        if self._target.restart is not None:
            self._call("restart", None)
        elif self._program is not None:
            self._program.stop()
            self._program.start()
            self._connect_again(tenants)
        self._note("is up again")

    def move(self, tenants: Sequence[Tenant], *, ended: Callable[[], None] = lambda: None) -> None:
        """End it and launch it again on another port; in the end its sessions are connected again.

        `ended` is called between: what it sends from then on, it sends from there.
        """
        port = int(self.url.rpartition(":")[2])
        self.stop()
        ended()
        with socket.socket(family_of(self._host)) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((self._host, port))
            self.start()
        self._connect_again(tenants)

    def _connect_again(self, tenants: Sequence[Tenant]) -> None:
        if not self._target.keeps_sessions:
            for tenant in tenants:
                self.connect(tenant)

    def _values(self, tenant: Tenant | None) -> dict[str, object]:
        values: dict[str, object] = {
            "number": self._number,
            "data": str(self._scratch),
            "control_port": self._control_port,
            "control_url": url_of(self._host, self._control_port),
            "control_plane": self._control_plane,
            "api_key": self._secrets[0],
            "hmac_secret": self._secrets[1],
        }
        if self._program is not None:
            values |= {"url": self.url, "host": self._host, "port": int(self.url.rpartition(":")[2])}
        return values if tenant is None else values | asdict(tenant)

    def _filled(self, hook: Hook, values: Mapping[str, object], headers: Mapping[str, str]) -> Call:
        outside = {name: value for name, value in values.items() if name not in _OWN_VALUES}
        url = filled_text(hook.url, {**values, **{name: encoded(value) for name, value in outside.items()}})
        own = {name: filled_text(value, values) for name, value in hook.headers.items()}
        return Call(hook.method, url, filled(hook.body, values), {**own, **headers})

    def _call(self, name: str, tenant: Tenant | None, headers: Mapping[str, str] | None = None) -> Answer:
        """Make the calls of a hook one after another, and return the answer of the last.

        What they keep of their answers fills later calls of this session too; of no session, those of this hook. An
        adapter makes the first one.
        """
        hook: Hook | None = getattr(self._target, name)
        calls = (None,) if hook is None else (hook, *hook.then)
        kept = self._kept.setdefault(tenant.session_id, {}) if tenant else dict[str, object]()
        deadline = time.monotonic() + self._target.ready_timeout
        for number, one in enumerate(calls, 1):
            values = {**kept, **self._values(tenant)}
            call = None if one is None else self._filled(one, values, headers or {})
            answer = self._made(name, tenant if number == 1 else None, call, deadline)
            which = f"the hook {name} of instance {self._number}" + (
                f", call {number} of {len(calls)}," if len(calls) > 1 else ""
            )
            if answer.status is None or not 200 <= answer.status < 300:
                told = f"answered {answer.status}" if answer.status else "gave no answer"
                raise HookError(f"{which} {told}: {answer.body[:200]}", answer.status)
            for placeholder, place in () if one is None else one.keeps.items():
                try:
                    kept[placeholder] = value_at(answer.body, place)
                except ValueError:
                    raise NotJudgedError(
                        f"{which} answered no text or number at {place}, which {{{placeholder}}} is to be: "
                        f"{answer.body[:200]}"
                    ) from None
        return answer

    def _made(self, name: str, tenant: Tenant | None, call: Call | None, deadline: float) -> Answer:
        def made() -> Answer:
            if self._adapted is not None and tenant is not None:
                return self._answered(
                    name, lambda adapted, patience: adapted.do(name, tenant, call, patience)
                )
            if call is None:
                raise NotJudgedError(f"the target names no hook [instance] {name}")
            return self._request(name, call)

        answer = made()
        # What serves hooks may come up a moment after the instance itself.
        while answer.refused and time.monotonic() < deadline and self.problem is None:
            threading.Event().wait(_CHECK_SECONDS)
            answer = made()
        return answer

    def _answered(self, hook: str, ask: Callable[[AdaptedGateway, float], Answer]) -> Answer:
        """Ask by the adapter, and wait shorter where nobody answered before."""
        assert self._adapted is not None  # noqa: S101 - who calls this has looked
        answer = ask(self._adapted, self._patience.seconds(hook))
        self._patience.ended(hook, silent=answer.status is None and not answer.refused)
        return answer

    def _request(self, hook: str, call: Call) -> Answer:
        seconds = self._patience.seconds(hook)
        try:
            answer = request(call.method, call.url, patience=seconds, body=call.body, headers=call.headers)
        except requests.RequestException as problem:
            if isinstance(problem, requests.Timeout):
                self._patience.ended(hook, silent=True)
            return Answer(None, f"no answer ({type(problem).__name__})", refused(problem))
        self._patience.ended(hook, silent=False)
        return Answer(answer.status_code, answer.text)

    def _note(self, what: str) -> None:
        self._journal.record(Noted(text=what, instance=self._number))


def value_at(body: str, place: str) -> str | int | float | bool:
    """Return a text, number or truth value in JSON, at a place such as `data.0.id`; ValueError if there is none."""
    value = json_of(body.encode())
    for part in place.split("."):
        match value:
            case dict() if part in value:
                value = value[part]
            case list() if part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            case _:
                raise ValueError(f"nothing at {place}")
    if not isinstance(value, (str, int, float)) or len(str(value)) > _LONGEST_KEPT:
        raise ValueError(f"no text or number at {place}")
    return value


def delivered_from(told: Any) -> tuple[Delivered, ...]:
    """Read what a `delivered` hook answers: a list, or an object with one list in it, of objects.

    Each has `session_id`, and the message under `text` or `message`.

    Raises:
        ValueError: it is something else.
    """
    lists = [told] if isinstance(told, list) else []
    if isinstance(told, dict):
        lists = [value for value in told.values() if isinstance(value, list)]
    if len(lists) != 1:
        raise ValueError("it must answer a JSON list of messages, or an object with one list in it")
    messages = []
    for one in lists[0]:
        text = one.get("text", one.get("message")) if isinstance(one, dict) else None
        if not isinstance(text, str) or not isinstance(one.get("session_id"), str):
            raise ValueError(  # noqa: TRY004 - what JSON says is no programming mistake
                "each message must be an object with session_id, and text or message"
            )
        messages.append(Delivered(one["session_id"], text))
    return tuple(messages)
