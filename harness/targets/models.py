"""What a target file may say: a model for each section, with its keys, their types and their defaults. Pure.

To add a key, add a line to its section's model, a row to docs/target-file.md, and a field to the contract's type. A
default that the contract has is named here and not repeated. Mistakes are worded here; the reader adds file and line.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.catalogue.requirements import Profile
from harness.contract import Operations, SendTarget, Target
from harness.gateway_contract import NUMBERS, GatewayTarget
from harness.placeholders import filled_text
from harness.targets.kinds import (
    GIVEN,
    BaseUrl,
    FixedSeconds,
    Flag,
    Kind,
    Path,
    Seconds,
    Table,
    Text,
    Texts,
    TextTable,
    Via,
    WrongValueError,
    among,
    hint,
    is_base_url,
    must,
)
from harness.targets.variables import OF_A_CONTROL_PLANE, OF_AN_INSTANCE, check_renamed

COLUMNS = [
    "id",
    "workspace_id",
    "session_id",
    "phone_number",
    "status",
    "assigned_instance_url",
    "updated_at",
]
JUDGED_BY_LOG = ("core", "health-check", "monitoring")
LAUNCHES = ("command", "image", "url")
OF_A_LAUNCH = ("network", "directory", "databases", "ready_timeout", "env", "variables")
LOG = "/conformance/log?after={cursor}"
HAS_CURSOR = must(lambda path: "{cursor}" in path, f"have {{cursor}} in it, like {LOG}")


def _of_the_contract(columns: dict[str, str]) -> dict[str, str]:
    for name in columns:
        if name not in COLUMNS:
            raise WrongValueError(f"no such column in the contract; allowed: {', '.join(COLUMNS)}", name)
    return columns


class Section(BaseModel):
    """A table of a target file, in which unknown names are mistakes."""

    model_config = ConfigDict(strict=True, frozen=True)
    names: ClassVar[str] = "key"

    @classmethod
    def kinds(cls) -> dict[str, str]:
        """Map each key to the words for its type."""
        return {
            field.alias or name: next((one.words for one in field.metadata if isinstance(one, Kind)), "")
            for name, field in cls.model_fields.items()
        }

    @model_validator(mode="before")
    @classmethod
    def _know_every_name(cls, content: object) -> object:
        allowed = cls.kinds()
        for name in content if isinstance(content, dict) else ():
            if name not in allowed:
                key = f"[{name}]" if cls.names == "section" else name
                raise WrongValueError(f"unknown {cls.names}{hint(name, allowed)}", key)
        return content

    @model_validator(mode="after")
    def _match_via(self) -> Self:
        via = getattr(self, "via", None)
        for key, field in type(self).model_fields.items():
            for rule in (one for one in field.metadata if isinstance(one, Via)):
                given = key in self.model_fields_set
                if given and rule.name != via:
                    raise WrongValueError(f'is only for via = "{rule.name}", and via is {via!r}', key)
                if rule.name == via and rule.example and not any(getattr(self, key)):
                    raise WrongValueError(f"is missing; write {key} = {rule.example}", key)
        return self


class Implementation(Section):
    """Who is judged, and by what."""

    name: Annotated[Text, GIVEN]
    version: Text = "unknown"
    claims: Annotated[Texts, among(*Profile)] = ["core"]
    adapter: Text = ""


class Launch(Section):
    """How the implementation is started, or where it runs."""

    command: Texts = []
    image: Text = ""
    url: BaseUrl = ""
    network: Annotated[Text, among("host", "published")] = Target.network
    directory: Text = "."
    databases: Annotated[Texts, among("sqlite", "postgresql", "mysql")] = [*Target.databases]
    ready: Path = Target.ready
    ready_timeout: Seconds = Target.ready_timeout
    env: TextTable = {}
    variables: Table = {}

    @property
    def ways(self) -> list[str]:
        """The keys that say how, of which there must be one."""
        return [key for key in LAUNCHES if getattr(self, key)]

    @model_validator(mode="after")
    def _launch_one_way(self) -> Self:
        if len(self.ways) > 1:
            raise WrongValueError(
                f"launch.{self.ways[0]} is there too; keep one of {', '.join(LAUNCHES)}", self.ways[1]
            )
        if self.command and not self.command[0]:
            raise WrongValueError("its first word is the program and must not be empty", "command")
        for key in OF_A_LAUNCH if self.url else ():
            if key in self.model_fields_set:
                raise WrongValueError("is for what the harness launches, and launch.url runs already", key)
        check_renamed(self.variables, self.env, OF_A_CONTROL_PLANE, "launch")
        return self


class Http(Section):
    """What goes with every call."""

    headers: TextTable = {}


class Webhook(Section):
    """Where webhooks go."""

    path: Path = Target.webhook_path
    asynchronous: Flag = Target.asynchronous
    max_body: Annotated[int, Field(ge=Target.max_body), Kind("bytes, 1048576 or more")] = Target.max_body


class Succeeded(Section):
    """Which answers say that a message was sent."""

    status: Annotated[list[int], Field(min_length=2, max_length=2), Kind("two numbers, like [200, 299]")] = [
        *SendTarget.succeeded_status
    ]
    having: Table = Field(default={**SendTarget().succeeded_json}, alias="json")


class Send(Section):
    """How a message is handed over."""

    method: Text = SendTarget.method
    path: Path = SendTarget.path
    body: Table = {**SendTarget().body}
    succeeded: Annotated[Succeeded, Kind("a table")] = Succeeded()


class State(Section):
    """How rows are read and written."""

    via: Annotated[Text, among("sql", "http")] = "sql"
    path: Annotated[Path, Via("http", '"/conformance/accounts"')] = ""
    table: Annotated[Text, Via("sql")] = Target.table
    columns: Annotated[TextTable, AfterValidator(_of_the_contract), Via("sql")] = {}


class HealthCheck(Section):
    """How a check of all accounts is asked for."""

    via: Annotated[Text, among("http", "command")] = "http"
    path: Annotated[Path, Via("http")] = Operations.path
    command: Annotated[Texts, Via("command", '["php", "artisan", "…"]')] = []
    dry_run: Annotated[Texts, Via("command")] = [*Operations.dry_run]


class Monitoring(Section):
    """Where counts are read."""

    path: Path = Operations.monitoring
    metrics: Path = Operations.metrics


class Log(Section):
    """Where the log is read."""

    via: Annotated[Text, among("file", "http", "stderr", "none")] = "file"
    path: Annotated[Path, HAS_CURSOR, Via("http", f'"{LOG}"')] = ""
    file: Annotated[Text, Via("file")] = ""
    files: Annotated[Texts, Via("file")] = []


class Timing(Section):
    """The seconds in force where the harness cannot set them, or where they are fixed."""

    verify_timeout: FixedSeconds = None
    send_timeout: FixedSeconds = None
    settle_seconds: Seconds = Target.settle_seconds


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


class HookTable(Section):
    """A call that does something to a gateway instance."""

    method: Text = "POST"
    url: Annotated[Text, GIVEN]
    body: Annotated[dict[str, Any] | None, Kind("a table")] = None


HookKey = Annotated[HookTable | None, Kind("a table")]


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
    keeps_sessions: Flag = GatewayTarget.keeps_sessions
    claims_as: Annotated[
        list[str],
        Kind("a text, or a list of four texts"),
        AfterValidator(_own_urls),
        BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
    ] = []
    patience: Seconds = GatewayTarget.patience

    @model_validator(mode="after")
    def _rename_rightly(self) -> Self:
        check_renamed(self.variables, self.env, OF_AN_INSTANCE, "instance")
        return self


class TargetFile(Section):
    """A whole target file."""

    names: ClassVar[str] = "section"

    implementation: Implementation = Field(default={}, validate_default=True)
    launch: Launch = Launch()
    http: Http = Http()
    webhook: Webhook = Webhook()
    send: Send = Send()
    state: State = State()
    health_check: HealthCheck = HealthCheck()
    monitoring: Monitoring = Monitoring()
    log: Log = Log()
    timing: Timing = Timing()
    instance: Instance | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        claims, log, url = self.implementation.claims, self.log, self.launch.url
        if not self.launch.ways and (claims != ["instance"] or "launch" in self.model_fields_set):
            raise WrongValueError(
                'is missing; write command = ["…"], image = "…" or url = "http://…" under [launch]',
                "launch.command",
            )
        if self.instance is not None and self.instance.connect is None and not self.implementation.adapter:
            raise WrongValueError("is missing; add it under [instance]", "instance.connect")
        if url and log.via == "stderr":
            raise WrongValueError(
                'is \'stderr\', which only a launched program has; write via = "file" or "http"', "log.via"
            )
        if log.via == "none" and (unjudged := [one for one in claims if one in JUDGED_BY_LOG]):
            raise WrongValueError(
                f"{' and '.join(unjudged)} {'is' if len(unjudged) == 1 else 'are'} claimed and cannot be judged "
                'without a log; write via = "file", "http" or "stderr"',
                "log.via",
            )
        if "file" in log.model_fields_set and not url:
            raise WrongValueError(
                "is only for launch.url: what is launched is given its file as LOG_FILE", "log.file"
            )
        if log.file and log.files:
            raise WrongValueError("is there beside log.file; keep one of them", "log.files")
        if url and log.via == "file" and not (log.file or log.files):
            raise WrongValueError(
                'is missing; write the file to which it logs, file = "…", or via = "http"', "log.file"
            )
        return self
