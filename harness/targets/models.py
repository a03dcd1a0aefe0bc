"""What a target file may say: a model for each section, with its keys, their types and their defaults. Pure.

To add a key, add a line to its section's model, a row to docs/target-file.md, and a field to the contract's type. A
default that the contract has is named here and not repeated. Mistakes are worded here; the reader adds file and line.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from harness.catalogue.requirements import Profile
from harness.contract import Operations, SendTarget, Target
from harness.targets.filled_in import (
    IN_A_LAUNCH,
    IN_A_LOG_FILE,
    IN_A_MESSAGE,
    IN_A_ROW,
    check_placeholders,
)
from harness.targets.gateways import Instance  # noqa: TC001 - pydantic looks it up
from harness.targets.kinds import (
    GIVEN,
    BaseUrl,
    Commands,
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
    must,
)
from harness.targets.section import Section
from harness.targets.variables import OF_A_CONTROL_PLANE, check_renamed

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
OF_A_LAUNCH = ("also", "network", "directory", "databases", "ready_timeout", "env", "variables")
LOG = "/conformance/log?after={cursor}"
HAS_CURSOR = must(lambda path: "{cursor}" in path, f"have {{cursor}} in it, like {LOG}")


def _log_files(names: list[str]) -> list[str]:
    for name in names:
        check_placeholders(name, IN_A_LOG_FILE)
        folder, _, own = name.rpartition("/")
        if not own or "*" in folder:
            raise WrongValueError(f'has {name!r}; write files, such as "logs/app.log" or "logs/app-*.log"')
    return names


def _of_the_contract(columns: dict[str, str]) -> dict[str, str]:
    for name in columns:
        if name not in COLUMNS:
            raise WrongValueError(f"no such column in the contract; allowed: {', '.join(COLUMNS)}", name)
    return columns


def _plain(defaults: dict[str, Any]) -> dict[str, Any]:
    for name, value in defaults.items():
        if not isinstance(value, str | int | float):
            raise WrongValueError(f"is {value!r} and must be a text, a number, true or false", name)
    return defaults


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
    also: Commands = []
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
        if self.also and self.image:
            raise WrongValueError(
                "is for launch.command: in an image, have its own program start the others", "also"
            )
        for key in ("command", "also", "env"):
            check_placeholders(getattr(self, key), IN_A_LAUNCH, key)
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
    headers: TextTable = {}
    body: Table = {**SendTarget().body}
    succeeded: Annotated[Succeeded, Kind("a table")] = Succeeded()

    @model_validator(mode="after")
    def _fill_in_what_is_known(self) -> Self:
        for key in ("path", "headers", "body"):
            check_placeholders(getattr(self, key), IN_A_MESSAGE, key)
        return self


class State(Section):
    """How rows are read and written."""

    via: Annotated[Text, among("sql", "http")] = "sql"
    path: Annotated[Path, Via("http", '"/conformance/accounts"')] = ""
    table: Annotated[Text, Via("sql")] = Target.table
    columns: Annotated[TextTable, AfterValidator(_of_the_contract), Via("sql")] = {}
    defaults: Annotated[Table, AfterValidator(_plain), Via("sql")] = {}
    ids: Annotated[Text, among("number", "text", "uuid")] = Target.ids
    migrated: Annotated[Flag, Via("sql")] = Target.migrated

    @model_validator(mode="after")
    def _own_other_columns(self) -> Self:
        called = {self.columns.get(name, name): name for name in COLUMNS}
        for name, value in self.defaults.items():
            key = f"defaults.{name}"
            if name in called:
                words = f"is the contract's column {called[name]}, which the harness writes by itself; leave it out"
                raise WrongValueError(words, key)
            check_placeholders(value, IN_A_ROW, key)
        return self


class HealthCheck(Section):
    """How a check of all accounts is asked for."""

    via: Annotated[Text, among("http", "command")] = "http"
    path: Annotated[Path, Via("http")] = Operations.path
    command: Annotated[Texts, Via("command", '["php", "artisan", "…"]')] = []
    dry_run: Annotated[Texts, Via("command")] = [*Operations.dry_run]

    @model_validator(mode="after")
    def _fill_in_what_is_known(self) -> Self:
        check_placeholders(self.command, IN_A_LAUNCH, "command")
        return self


class Monitoring(Section):
    """Where counts are read."""

    path: Path = Operations.monitoring
    metrics: Path = Operations.metrics


class Log(Section):
    """Where the log is read."""

    via: Annotated[Text, among("file", "http", "stderr", "none")] = "file"
    path: Annotated[Path, HAS_CURSOR, Via("http", f'"{LOG}"')] = ""
    file: Annotated[
        Text, AfterValidator(lambda name: "".join(_log_files([name] if name else []))), Via("file")
    ] = ""
    files: Annotated[Texts, AfterValidator(_log_files), Via("file")] = []


class Timing(Section):
    """The seconds in force where the harness cannot set them, or where they are fixed."""

    verify_timeout: FixedSeconds = None
    send_timeout: FixedSeconds = None
    settle_seconds: Seconds = Target.settle_seconds


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
        if log.file and log.files:
            raise WrongValueError("is there beside log.file; keep one of them", "log.files")
        for key, names in (("log.file", log.file), ("log.files", " ".join(log.files))):
            if url and "{" in names:
                raise WrongValueError("has a placeholder, and nothing is launched that it is filled for", key)
        if url and log.via == "file" and not (log.file or log.files):
            raise WrongValueError(
                'is missing; write the file to which it logs, file = "…", or via = "http"', "log.file"
            )
        return self
