"""Reads and checks a target file (contract, section 7): how an implementation is attached.

A mistake is a TargetError that names the file, the line, the key, what was found and what is allowed.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.catalogue.requirements import Profile, closest
from harness.contract import Operations, SendTarget, Target
from harness.errors import TargetError
from harness.targets.gateway_section import read_section
from harness.targets.keys import (
    CHECKS,
    COLUMNS,
    DATABASES,
    JUDGED_BY_LOG,
    KEYS,
    LAUNCHES,
    LOGS,
    NETWORKS,
    OF_A_LAUNCH,
    STATES,
    hint,
    is_a,
)
from harness.targets.toml_lines import line_of
from harness.targets.variables import OF_A_CONTROL_PLANE, read_renamed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.gateway_contract import GatewayTarget

FAKE_GATEWAY = "fake-gateway"
"""The built-in target whose gateway instances are judged where a target brings none of its own."""
BUILT_IN = Path(__file__).parent


def built_in_targets() -> tuple[str, ...]:
    """Give the names of the targets that come with the harness."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def load_target(name_or_path: str) -> Target:
    """Read a target by the name of a built-in one, or by the path of a target file.

    Raises:
        TargetError: there is no such target, or its file has a mistake.
    """
    if name_or_path in built_in_targets():
        return read_target(BUILT_IN / f"{name_or_path}.toml")
    path = Path(name_or_path)
    if not path.is_file():
        names = ", ".join(built_in_targets())
        guess = closest(name_or_path, built_in_targets())
        meant = f" (did you mean {guess}?)" if guess else ""
        raise TargetError(
            f"there is no target {name_or_path!r}{meant}: give {names}, or the path of a target file"
        )
    return read_target(path)


def is_base_url(url: str) -> bool:
    """Say whether a URL can be where something listens: of HTTP, with a host, and no query or user in it."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return good and not parts.query and not parts.fragment and parts.username is None


def read_target(path: Path) -> Target:
    """Read a target file.

    Raises:
        TargetError: it cannot be read, or has a mistake.
    """
    try:
        text = path.read_text("utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise TargetError(f"{path}: {problem}") from None
    return _Reader(path, text, content).target()


class _Reader:
    """Checks one file's content and turns it into a Target."""

    def __init__(self, path: Path, text: str, content: Mapping[str, Any]) -> None:
        self._path = path
        self._text = text
        self._content = content
        self._check_names()

    def target(self) -> Target:
        standard: dict[str, Any] = {name: one.default for name, one in Target.__dataclass_fields__.items()}
        return Target(
            name=str(self._need("implementation", "name")),
            version=str(self._get("implementation", "version", "unknown")),
            claims=self._claims(),
            command=self._command(),
            image=str(self._get("launch", "image", "")),
            url=self._url(),
            network=self._network(),
            directory=self._directory(),
            databases=self._databases(),
            ready=self._path_of("launch", "ready", "/health"),
            ready_timeout=float(self._get("launch", "ready_timeout", standard["ready_timeout"])),
            environment=self._texts("launch", "env"),
            variables=self._variables(),
            headers=self._texts("http", "headers"),
            webhook_path=self._path_of("webhook", "path", standard["webhook_path"]),
            asynchronous=bool(self._get("webhook", "asynchronous", default=False)),
            send=self._send(),
            table=str(self._get("state", "table", "whatsapp_accounts")),
            columns=self._columns(),
            state_path=self._hook("state", STATES, "/conformance/accounts"),
            operations=self._operations(),
            log=self._log(),
            log_path=self._hook("log", LOGS, "/conformance/log?after={cursor}"),
            log_file=self._log_file(),
            verify_timeout=self._seconds("verify_timeout", standard["verify_timeout"]),
            send_timeout=self._seconds("send_timeout", standard["send_timeout"]),
            settle_seconds=float(self._get("timing", "settle_seconds", standard["settle_seconds"])),
            gateway=self._gateway(),
        )

    def _fail(self, key: str, words: str) -> TargetError:
        line = line_of(self._text, key)
        place = self._path if line is None else f"{self._path}:{line}"
        return TargetError(f"{place}: {key}: {words}")

    def _check_names(self) -> None:
        for section, keys in self._content.items():
            if section not in KEYS:
                raise self._fail(f"[{section}]", f"unknown section{hint(section, KEYS)}")
            if not isinstance(keys, dict):
                raise self._fail(section, f"is a section: write [{section}] and its keys below")
            for key, value in keys.items():
                if key not in KEYS[section]:
                    raise self._fail(f"{section}.{key}", f"unknown key{hint(key, KEYS[section])}")
                kind = KEYS[section][key]
                if not is_a(kind, value):
                    raise self._fail(f"{section}.{key}", f"is {value!r} and must be {kind}")

    def _get(self, section: str, key: str, default: object) -> Any:
        return self._content.get(section, {}).get(key, default)

    def _need(self, section: str, key: str) -> Any:
        value = self._get(section, key, None)
        if not value:
            raise self._fail(f"{section}.{key}", f"is missing; add it under [{section}]")
        return value

    def _among(
        self, section: str, key: str, allowed: Collection[str], default: Collection[str]
    ) -> tuple[str, ...]:
        chosen = tuple(self._get(section, key, default))
        for one in chosen:
            if one not in allowed:
                raise self._fail(f"{section}.{key}", f"{one!r} is unknown; allowed: {', '.join(allowed)}")
        if not chosen:
            raise self._fail(f"{section}.{key}", f"is empty; allowed: {', '.join(allowed)}")
        return chosen

    def _path_of(self, section: str, key: str, default: str) -> str:
        path = str(self._get(section, key, default))
        if not path.startswith("/"):
            raise self._fail(f"{section}.{key}", f"is {path!r} and must begin with a slash")
        return path

    def _texts(self, section: str, key: str) -> dict[str, str]:
        table: dict[str, Any] = self._get(section, key, {})
        for name, value in table.items():
            if not isinstance(value, str):
                raise self._fail(f"{section}.{key}.{name}", f"is {value!r} and must be a text")
        return dict(table)

    def _variables(self) -> dict[str, str]:
        return read_renamed(self._content.get("launch", {}), "launch", OF_A_CONTROL_PLANE, self._fail)

    def _gateway(self) -> GatewayTarget | None:
        if "instance" in self._content:
            return read_section(self._content["instance"], self._path.parent, self._fail)
        return load_target(FAKE_GATEWAY).gateway if "instance" in self._claims() else None

    def _claims(self) -> tuple[str, ...]:
        return self._among("implementation", "claims", [str(one) for one in Profile], ["core"])

    def _judges_a_control_plane(self) -> bool:
        return self._claims() != ("instance",) or "launch" in self._content

    def _command(self) -> tuple[str, ...]:
        command = tuple(self._get("launch", "command", ()))
        ways = [key for key in LAUNCHES if self._get("launch", key, None)]
        if len(ways) > 1:
            raise self._fail(
                f"launch.{ways[1]}", f"launch.{ways[0]} is there too; keep one of {', '.join(LAUNCHES)}"
            )
        if not ways and self._judges_a_control_plane():
            raise self._fail(
                "launch.command",
                'is missing; write command = ["…"], image = "…" or url = "http://…" under [launch]',
            )
        if command and not command[0]:
            raise self._fail("launch.command", "its first word is the program and must not be empty")
        return command

    def _url(self) -> str:
        url = str(self._get("launch", "url", ""))
        if not url:
            return ""
        if not is_base_url(url):
            raise self._fail(
                "launch.url", f"is {url!r} and must be where it listens, such as http://127.0.0.1:8000"
            )
        for key in OF_A_LAUNCH:
            if key in self._content["launch"]:
                raise self._fail(
                    f"launch.{key}", "is for what the harness launches, and launch.url runs already"
                )
        return url.rstrip("/")

    def _network(self) -> str:
        network = str(self._get("launch", "network", "host"))
        if network not in NETWORKS:
            raise self._fail("launch.network", f"{network!r} is unknown; allowed: {', '.join(NETWORKS)}")
        return network

    def _databases(self) -> tuple[str, ...]:
        return self._among("launch", "databases", DATABASES, ["sqlite"])

    def _directory(self) -> Path:
        directory = (self._path.parent / str(self._get("launch", "directory", "."))).absolute()
        if not directory.is_dir():
            raise self._fail(
                "launch.directory", f"there is no folder {directory}; it is relative to this file"
            )
        return directory

    def _columns(self) -> dict[str, str]:
        columns = self._texts("state", "columns")
        for name in columns:
            if name not in COLUMNS:
                allowed = ", ".join(COLUMNS)
                raise self._fail(
                    f"state.columns.{name}", f"no such column in the contract; allowed: {allowed}"
                )
        return columns

    def _hook(self, section: str, allowed: Sequence[str], example: str) -> str:
        """Give the path of a section that goes via HTTP, and an empty one for a section that does not."""
        via = str(self._get(section, "via", allowed[0]))
        if via not in allowed:
            raise self._fail(f"{section}.via", f"{via!r} is unknown; allowed: {', '.join(allowed)}")
        given = self._get(section, "path", None)
        if via != "http":
            if given is not None:
                raise self._fail(f"{section}.path", f'is only for via = "http", and via is {via!r}')
            return ""
        for_sql = [key for key in ("table", "columns") if key in self._content.get(section, {})]
        if for_sql:
            both = f", like {section}.{for_sql[1]}" if for_sql[1:] else ""
            raise self._fail(f"{section}.{for_sql[0]}", f'is only for via = "sql"{both}, and via is {via!r}')
        if given is None:
            raise self._fail(f"{section}.path", f'is missing; write path = "{example}"')
        if "{cursor}" in example and "{cursor}" not in given:
            raise self._fail(f"{section}.path", f'has no {{cursor}}; write path = "{example}"')
        return self._path_of(section, "path", example)

    def _seconds(self, key: str, default: float) -> float:
        seconds = float(self._get("timing", key, default))
        if not seconds:
            raise self._fail(f"timing.{key}", "is 0 and must be the seconds that are in force")
        return seconds

    def _log_file(self) -> Path | None:
        """Give the file to which a target that runs already appends its log."""
        given, running = self._get("log", "file", None), self._url()
        if given is not None and not running:
            raise self._fail(
                "log.file", "is only for launch.url: what is launched is given its file as LOG_FILE"
            )
        via = str(self._get("log", "via", "file"))
        if given is not None and via != "file":
            raise self._fail("log.file", f'is only for via = "file", and via is {via!r}')
        if not running or via != "file":
            return None
        if not given:
            raise self._fail(
                "log.file", 'is missing; write the file to which it logs, file = "…", or via = "http"'
            )
        return (self._path.parent / str(given)).absolute()

    def _log(self) -> str:
        via = str(self._get("log", "via", "file"))
        if via == "stderr" and self._url():
            raise self._fail(
                "log.via", f'is {via!r}, which only a launched program has; write via = "file" or "http"'
            )
        unjudged = [one for one in self._claims() if one in JUDGED_BY_LOG]
        if via == "none" and unjudged:
            raise self._fail(
                "log.via",
                f"{' and '.join(unjudged)} {'is' if len(unjudged) == 1 else 'are'} claimed and cannot be judged "
                'without a log; write via = "file", "http" or "stderr"',
            )
        return via

    def _operations(self) -> Operations:
        standard, section = Operations(), "health_check"
        via = str(self._get(section, "via", "http"))
        if via not in CHECKS:
            raise self._fail(f"{section}.via", f"{via!r} is unknown; allowed: {', '.join(CHECKS)}")
        command = tuple(self._get(section, "command", ()))
        if via == "command" and not (command and command[0]):
            raise self._fail(f"{section}.command", 'is missing; write command = ["php", "artisan", "…"]')
        for key, meant in (("path", "http"), ("command", "command"), ("dry_run", "command")):
            if via != meant and key in self._content.get(section, {}):
                raise self._fail(f"{section}.{key}", f'is only for via = "{meant}", and via is {via!r}')
        return Operations(
            path=self._path_of(section, "path", standard.path),
            command=command,
            dry_run=tuple(self._get(section, "dry_run", standard.dry_run)),
            monitoring=self._path_of("monitoring", "path", standard.monitoring),
            metrics=self._path_of("monitoring", "metrics", standard.metrics),
        )

    def _send(self) -> SendTarget:
        default = SendTarget()
        succeeded = self._get("send", "succeeded", {})
        status = succeeded.get("status", list(default.succeeded_status))
        if not (
            isinstance(status, list) and len(status) == 2 and all(isinstance(one, int) for one in status)
        ):
            raise self._fail(
                "send.succeeded.status", f"is {status!r} and must be the first and last status, [200, 299]"
            )
        json = succeeded.get("json", default.succeeded_json)
        if unknown := succeeded.keys() - {"status", "json"}:
            raise self._fail(f"send.succeeded.{min(unknown)}", "unknown key; allowed: status, json")
        if not isinstance(json, dict):
            raise self._fail("send.succeeded.json", f"is {json!r} and must be a table")
        return SendTarget(
            method=str(self._get("send", "method", default.method)),
            path=self._path_of("send", "path", default.path),
            body=self._get("send", "body", default.body),
            succeeded_status=(status[0], status[1]),
            succeeded_json=json,
        )
