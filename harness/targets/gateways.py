"""The section [instance] of a target file: how gateway instances are launched and handled. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.gateway_contract import NUMBERS, GatewayTarget
from harness.placeholders import filled_text
from harness.targets.filled_in import (
    IN_A_CANNED_ANSWER,
    IN_A_GATEWAY_LAUNCH,
    IN_A_HOOK,
    check_placeholders,
    names_in,
)
from harness.targets.kinds import (
    GIVEN,
    Flag,
    Kind,
    Path,
    Seconds,
    Table,
    Text,
    Texts,
    TextTable,
    WrongValueError,
    among,
    is_base_url,
    must,
)
from harness.targets.section import Section
from harness.targets.variables import OF_AN_INSTANCE, check_renamed

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
HOOKS = ("connect", "create", "reconnect", "end", "restart", "delivered")
_WORD = re.compile(r"\w+", re.ASCII)
_PLACE = re.compile(r"[^.\s]+(?:\.[^.\s]+)*")


def _own_urls(stated: list[str]) -> list[str]:
    if len(stated) not in {0, 1, len(NUMBERS)}:
        raise WrongValueError(
            f"has {len(stated)} texts; write one for all instances, or one for each of the four"
        )
    for text in stated:
        one = filled_text(text, {"host": "localhost", "port": 3001, "number": 3001})
        if "{" in one or not is_base_url(one):
            raise WrongValueError(
                f'has {text!r}; write URLs such as "http://gateway-{{number}}.internal:{{port}}", in which {{host}}, '
                "{port} and {number} are filled in"
            )
    return stated


def _own_names(keeps: dict[str, str]) -> dict[str, str]:
    for name, place in keeps.items():
        if name in IN_A_HOOK:
            raise WrongValueError("is a placeholder that the harness fills in; take another name", name)
        if not _WORD.fullmatch(name) or not _PLACE.fullmatch(place):
            raise WrongValueError(
                f'is {place!r}; write a name of letters, digits and "_", and where its value is in the answer, '
                'such as "data.id" or "accounts.0.id"',
                name,
            )
    return keeps


class HookTable(Section):
    """A call that does something to a gateway instance."""

    method: Text = "POST"
    url: Annotated[Text, GIVEN]
    headers: TextTable = {}
    body: Annotated[dict[str, Any] | None, Kind("a table")] = None
    keeps: Annotated[TextTable, AfterValidator(_own_names)] = {}


class CannedTable(Section):
    """What a gateway asks the control plane, and what it is answered."""

    method: Annotated[Text, among(*METHODS)] = "GET"
    path: Annotated[Path, must(lambda path: "?" not in path, "have no query, which is not looked at")]
    status: Annotated[int, Field(ge=200, le=599), Kind("a status from 200 to 599")] = 200
    body: Annotated[Any, Kind("what JSON has")] = {}

    @model_validator(mode="after")
    def _fill_in_what_is_known(self) -> Self:
        check_placeholders(self.body, IN_A_CANNED_ANSWER | names_in(self.path), "body")
        return self


def _listed(given: object) -> object:
    return [given] if isinstance(given, dict) else given


_CALLS = Kind("a table, or a list of tables")
HookKey = Annotated[Annotated[list[HookTable], Field(min_length=1)] | None, _CALLS, BeforeValidator(_listed)]


_BY_A_COMMAND = "is for [launch]: four gateway instances are launched, each by instance.command"
_OF_A_LAUNCH_ALONE = {
    "also": "is for [launch]: have instance.command start what runs beside an instance, and end it with it",
    "image": f"{_BY_A_COMMAND}, which may run an image",
    "url": f"{_BY_A_COMMAND}; one that runs already cannot be restarted",
}


class Instance(Section):
    """How gateway instances are launched and handled."""

    command: Annotated[Texts, GIVEN]
    directory: Text = "."
    ready: Path = GatewayTarget.ready
    ready_timeout: Seconds = GatewayTarget.ready_timeout
    env: TextTable = {}
    variables: Table = {}
    connect: HookKey = None
    create: HookKey = None
    reconnect: HookKey = None
    end: HookKey = None
    restart: HookKey = None
    delivered: HookKey = None
    control_plane: Annotated[list[CannedTable], _CALLS, BeforeValidator(_listed)] = []
    keeps_sessions: Flag = GatewayTarget.keeps_sessions
    claims_as: Annotated[
        list[str],
        Kind("a text, or a list of four texts"),
        AfterValidator(_own_urls),
        BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
    ] = []
    patience: Seconds = GatewayTarget.patience

    @model_validator(mode="before")
    @classmethod
    def _is_launched_by_a_command(cls, given: Any) -> Any:
        for key, words in _OF_A_LAUNCH_ALONE.items():
            if isinstance(given, dict) and key in given:
                raise WrongValueError(words, key)
        return given

    @model_validator(mode="after")
    def _rename_rightly(self) -> Self:
        check_renamed(self.variables, self.env, OF_AN_INSTANCE, "instance")
        check_placeholders(self.command, IN_A_GATEWAY_LAUNCH, "command")
        check_placeholders(self.env, IN_A_GATEWAY_LAUNCH, "env")
        hooks = {name: getattr(self, name) or [] for name in HOOKS}
        kept = {name for calls in hooks.values() for call in calls for name in call.keeps}
        for name, calls in hooks.items():
            for call in calls:
                check_placeholders([call.url, call.headers, call.body], IN_A_HOOK | kept, name)
        return self
