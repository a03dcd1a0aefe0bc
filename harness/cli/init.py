"""`instance-sync init`: writes a target file with comments, by asking or by flags."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Profile
from harness.contract import SendTarget, Target
from harness.errors import TargetError
from harness.targets.kinds import is_base_url
from harness.targets.reader import read_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WHAT = "write a target file for your implementation, by asking or by flags"
USAGE_ERROR, INTERRUPTED = 4, 130
_EXAMPLES = """\
examples:
  instance-sync init
  instance-sync init --name "Acme sync" --command "php artisan serve --host={host} --port={port}"
  instance-sync init --name "Acme sync" --image acme/sync:1.4 --claims core,security --log stderr
  instance-sync init --name "Acme sync" --url http://127.0.0.1:8000 --log-file storage/logs/sync.log

exit codes: 0 when it was written, 4 when something given cannot be used; no file is ever written over
"""
_WAYS = ("command", "image", "url")
_LOGS, _LOGS_OF_WHAT_RUNS = ("file", "stderr", "http"), ("file", "http")

_FILE = """\
# How {plain_name} is attached to the harness.
#   instance-sync doctor --target {file}     whether it is attached rightly
#   instance-sync verify --target {file}     the verdict

[implementation]
name = {name}
version = "0.1.0"                # yours; reports show it
# The profiles that it says it meets; what is not claimed is not judged. There are:
# {profiles}.
claims = {claims}

{launch}
[webhook]
path = {webhook}
asynchronous = false             # true when webhooks are answered first and processed later

[send]
# How a user's message is handed over, and what an answer looks like that says it was sent.
path = {send}
body = {{ recipient_phone = "{{recipient}}", message = "{{text}}" }}
succeeded = {{ status = [200, 299], json = {{ success = true }} }}

[state]
# How the harness reads and writes rows: via "sql", or via "http", with path = "/conformance/accounts" in place of the
# table and its columns.
via = "sql"
table = "whatsapp_accounts"
columns = {{}}                     # those that have another name: columns = {{ session_id = "sid" }}

{log}
"""
_LAUNCHED = """\
[launch]
{what}
{directory} # relative to this file
databases = ["sqlite"]           # those that it can be launched with: sqlite, postgresql, mysql
ready = "/health"                # answers GET with 200 once it can serve
env = {{}}                         # more variables: env = {{ APP_ENV = "testing" }}
variables = {{}}                   # other names for those given: variables = {{ HMAC_SECRET = "WEBHOOK_SECRET" }}
"""
_RUNNING = """\
[launch]
# It runs already, and was started with the API_KEY and HMAC_SECRET that the environment of the harness has.
url = {url}
ready = "/health"                # answers GET with 200

[timing]
# The seconds in force there. The shorter they are, the shorter a run.
verify_timeout = 3.0
send_timeout = 30.0
"""
_COMMAND = """\
# Also given as variables: HOST, PORT, DATABASE_URL and LOG_FILE, with NODE_INSTANCES, HMAC_SECRET, API_KEY and more.
command = {words}   # {{host}} {{port}} {{database_url}} {{log_file}} are filled in"""
_IMAGE = """\
image = {image}
network = "host"                 # or "published", where the engine has no host network"""


def main(arguments: Sequence[str]) -> int:
    """Write the file, and give the exit code."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ended:
        return USAGE_ERROR if ended.code else 0
    try:
        path = write(options, input if sys.stdin.isatty() else None)
    except TargetError as problem:
        sys.stderr.write(f"instance-sync: {problem}\n")
        return USAGE_ERROR
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write("\ninstance-sync: interrupted; nothing was written\n")
        return INTERRUPTED
    sys.stdout.write(f"{path} is written. Next: instance-sync doctor --target {shlex.quote(str(path))}\n")
    return 0


def write(options: argparse.Namespace, ask: Callable[[str], str] | None) -> Path:
    """Write the target file that the options describe, and what `ask` is answered where they say nothing.

    Raises:
        TargetError: something is missing and there is nobody to ask, or cannot be used, or the file exists.
    """
    _check(options)
    name = options.name or _asked(ask, "--name", "Name of your implementation", "")
    path = _path(options, name, ask)
    way, value = _way(options, ask)
    directory = options.directory
    if way == "command" and not directory:
        question = "The folder that it is started in, from where the file is"
        directory = _asked(ask, "", question, ".", lambda answer: _no_folder(path.parent / answer))
    claims = options.claims or _asked(ask, "", f"Claims, of {', '.join(Profile)}", "core", _no_profiles)
    log, log_file = _log(options, way, ask)
    text = _FILE.format(
        plain_name="".join(one for one in name if one.isprintable()),
        file=path,
        name=_text(name),
        profiles=", ".join(Profile),
        claims=json.dumps([one.strip() for one in claims.split(",")]),
        launch=_launch(way, value, directory or "."),
        webhook=_text(options.webhook_path or str(Target.__dataclass_fields__["webhook_path"].default)),
        send=_text(options.send_path or SendTarget().path),
        log=f'[log]\nvia = "{log}"{log_file}',
    )
    _written(path, text)
    return path


def _check(options: argparse.Namespace) -> None:
    """Find out what cannot be used of the options, before anything is asked for that would be lost."""
    given = _given(options)
    if len(given) > 1:
        raise TargetError(f"--{given[0][0]} and --{given[1][0]} are given; keep one")
    if options.url and options.directory:
        raise TargetError("--directory is for what the harness starts, and --url runs already")
    if options.log_file and options.log not in {None, "file"}:
        raise TargetError(f"--log-file is for --log file, and --log is {options.log}")
    for flag, value, complaint in (
        ("--command", options.command, _no_words),
        ("--url", options.url, _no_url),
        ("--claims", options.claims, _no_profiles),
    ):
        if value and (told := complaint(value)):
            raise TargetError(f"{flag}: {told}")


def _written(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as problem:
        raise TargetError(f"{path} cannot be written: {problem.strerror}") from None
    try:
        read_target(path)
    except TargetError:
        path.unlink()
        raise


def _given(options: argparse.Namespace) -> list[tuple[str, str]]:
    return [(way, value) for way in _WAYS if (value := getattr(options, way))]


def _way(options: argparse.Namespace, ask: Callable[[str], str] | None) -> tuple[str, str]:
    if given := _given(options):
        return given[0]
    flags = ", ".join(f"--{way}" for way in _WAYS[:-1]) + f" or --{_WAYS[-1]}"
    question = "Is it started by a command, from an image, or runs it at a url"
    way = _asked(ask, flags, question, "command", _none_of(_WAYS))
    return way, _asked(ask, f"--{way}", f"Its {way}", "", {"command": _no_words, "url": _no_url}.get(way))


def _log(options: argparse.Namespace, way: str, ask: Callable[[str], str] | None) -> tuple[str, str]:
    via = options.log or ("file" if options.log_file else "")
    logs = _LOGS if way != "url" else _LOGS_OF_WHAT_RUNS
    via = via or _asked(
        ask, "", f"Where it logs: {', '.join(logs[:-1])} or {logs[-1]}", "file", _none_of(logs)
    )
    if via == "http":
        return via, '\npath = "/conformance/log?after={cursor}"   # answers {"lines": ["…"], "cursor": 17}'
    if via == "file" and way == "url":
        file = options.log_file or _asked(ask, "--log-file", "The file to which it logs", "")
        return via, f"\nfile = {_text(file)}"
    if options.log_file:
        raise TargetError("--log-file is for --url: what is launched is given its file as LOG_FILE")
    return via, "                     # the file that LOG_FILE names" if via == "file" else ""


def _asked(
    ask: Callable[[str], str] | None,
    flag: str,
    question: str,
    default: str,
    complaint: Callable[[str], str] | None = None,
) -> str:
    """Ask until the answer can be used: those that were given before must not be lost."""
    if ask is None:
        if default and not flag:
            return default
        raise TargetError(f"{flag} is missing, and there is no terminal to ask at")
    while True:
        answer = ask(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
        told = complaint(answer) if complaint and answer else ""
        if told:
            sys.stderr.write(f"{told}\n")
        elif answer:
            return answer


def _path(options: argparse.Namespace, name: str, ask: Callable[[str], str] | None) -> Path:
    """Say what to write, before anything else is asked for that would be lost."""
    path = Path(options.output or f"{_slug(name)}.toml")
    if path.exists() and not options.output and ask is not None:
        path = Path(_asked(ask, "", f"{path} exists. Write which file", "", _there_already))
    if path.exists():
        raise TargetError(f"{path} exists, and is not written over; choose another with --output")
    if told := _no_folder(path.parent):
        raise TargetError(f"{path} cannot be written: {told}")
    if options.directory and (told := _no_folder(path.parent / options.directory)):
        raise TargetError(f"--directory: {told}; it is relative to {path}")
    return path


def _there_already(answer: str) -> str:
    if Path(answer).exists():
        return f"{answer} exists, and is not written over"
    return _no_folder(Path(answer).parent)


def _no_folder(folder: Path) -> str:
    return "" if folder.is_dir() else f"there is no folder {folder}"


def _no_url(answer: str) -> str:
    return "" if is_base_url(answer) else f"{answer!r} is not where it listens, such as http://127.0.0.1:8000"


def _no_profiles(answer: str) -> str:
    return "; ".join(filter(None, (_none_of(tuple(Profile))(one.strip()) for one in answer.split(","))))


def _no_words(answer: str) -> str:
    try:
        words = shlex.split(answer)
    except ValueError as problem:
        return f"{answer!r}: {problem}"
    return "" if words and words[0] else f"{answer!r} names no program"


def _none_of(allowed: Sequence[str]) -> Callable[[str], str]:
    def complaint(answer: str) -> str:
        return "" if answer in allowed else f"{answer!r} is unknown; there are: {', '.join(allowed)}"

    return complaint


def _launch(way: str, value: str, directory: str) -> str:
    if way == "url":
        return _RUNNING.format(url=_text(value))
    if way == "image":
        return _LAUNCHED.format(what=_IMAGE.format(image=_text(value)), directory=_directory(directory))
    what = _COMMAND.format(words=json.dumps(shlex.split(value), ensure_ascii=False))
    return _LAUNCHED.format(what=what, directory=_directory(directory))


def _directory(directory: str) -> str:
    return f"{f'directory = {_text(directory)}':<32}"


def _text(value: str) -> str:
    # Every text of JSON is one of TOML, save for the one control character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "target"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="instance-sync init",
        description="Writes a target file with comments. What no flag says is asked for at the terminal.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--name", help="of your implementation, for reports")
    parser.add_argument("--command", metavar="WORDS", help="what starts it, in one argument")
    parser.add_argument("--directory", metavar="DIR", help="where it is started (default: .), from the file")
    parser.add_argument("--image", help="the container image that is it")
    parser.add_argument("--url", help="where it runs already")
    parser.add_argument("--claims", metavar="PROFILES", help="with commas (default: core)")
    parser.add_argument("--webhook-path", metavar="PATH", help="where it takes webhooks")
    parser.add_argument("--send-path", metavar="PATH", help="where it takes messages, with {account_id}")
    parser.add_argument("--log", choices=_LOGS, help="where it logs (default: file)")
    parser.add_argument("--log-file", metavar="FILE", help="the file to which it logs, with --url")
    parser.add_argument("--output", metavar="FILE", help="what to write (default: its name, .toml)")
    return parser
