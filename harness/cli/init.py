"""`instance-sync init`: writes a target file with comments, from answers or from options."""

from __future__ import annotations

import json
import re
import shlex
import sys
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click
from jinja2 import Template

from harness.catalogue.requirements import Profile
from harness.cli.group import epilog
from harness.cli.templates import FIRST, write_template
from harness.contract import SendTarget, Target
from harness.errors import TargetError
from harness.targets.kinds import is_base_url
from harness.targets.reader import read_target

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLES = """\
  instance-sync init
  instance-sync init --name "Acme sync" --command "php artisan serve --host={host} --port={port}"
  instance-sync init --name "Acme sync" --image acme/sync:1.4 --claims core,security --log stderr
  instance-sync init --template express --name "Acme sync"
  instance-sync init --name "Acme sync" --url http://127.0.0.1:8000 --log-file storage/logs/sync.log
"""
_WAYS = ("command", "image", "url")
_LOGS, _LOGS_OF_WHAT_RUNS = ("file", "stderr", "http"), ("file", "http")
_PROFILE = click.Choice([*map(str, Profile)])


# What is given, as an option or as an answer


def _words(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError as problem:
        raise click.BadParameter(f"{text!r}: {problem}") from None
    if not words or not words[0]:
        raise click.BadParameter(f"{text!r} names no program")
    return text


def _base_url(text: str) -> str:
    if not is_base_url(text):
        raise click.BadParameter(f"{text!r} is not where it listens, such as http://127.0.0.1:8000")
    return text


def _profiles(text: str) -> str:
    for one in text.split(","):
        _PROFILE.convert(one.strip(), None, None)
    return text


def _new_file(text: str) -> str:
    if Path(text).exists():
        raise click.BadParameter(f"{text} exists, and is not overwritten")
    _folder(Path(text).parent)
    return text


def _folder(folder: Path) -> None:
    if not folder.is_dir():
        raise click.BadParameter(f"there is no folder {folder}")


_CHECKS = {"command": _words, "url": _base_url}


@click.command(epilog=epilog("init", _EXAMPLES))
@click.option("--name", help="of your implementation, for reports")
@click.option("--command", metavar="WORDS", type=_words, help="what starts it, in one argument")
@click.option("--directory", metavar="DIR", help="where it is started (default: .), relative to the file")
@click.option("--image", help="its container image")
@click.option("--url", metavar="URL", type=_base_url, help="where it already runs")
@click.option("--claims", metavar="PROFILES", type=_profiles, help="with commas (default: core)")
@click.option("--webhook-path", metavar="PATH", help="where it takes webhooks")
@click.option(
    "--send-path",
    metavar="PATH",
    help="where it takes messages, with {account_id}, {session_id}, {workspace_id} or {phone_number}",
)
@click.option("--log", type=click.Choice(_LOGS), help="where it logs (default: file)")
@click.option("--log-file", metavar="FILE", help="the file to which it logs, with --url")
@click.option("--adapter", is_flag=True, help="also write an adapter in Python beside it, to be filled in")
@click.option(
    "--output", metavar="FILE", help="what to write (default: its name, .toml); a folder, with --template"
)
@click.option(
    "--template",
    type=click.Choice([*FIRST]),
    help="write a skeleton that starts, with its target file and a checklist, into a folder (default: its name)",
)
def command(template: str | None, **given: Any) -> None:
    """Write a target file with comments. What no option says is asked for at the terminal."""
    try:
        if template is not None:
            click.echo("\n".join(_skeleton(template, SimpleNamespace(**given))))
            return
        path = _write(SimpleNamespace(**given))
    except (KeyboardInterrupt, click.Abort):
        raise KeyboardInterrupt("nothing was written") from None
    click.echo(f"{path} is written. Next: instance-sync doctor --target {shlex.quote(str(path))}")


def _skeleton(template: str, options: SimpleNamespace) -> Iterator[str]:
    others = vars(options).keys() - {"name", "output"}
    if wrong := sorted(one for one in others if getattr(options, one)):
        option = f"--{wrong[0].replace('_', '-')}"
        raise TargetError(f"{option} and --template are given: the target file of a template is its own")
    name = options.name or template
    folder = Path(options.output or _slug(name))
    path = write_template(template, name, folder)
    read_target(path)
    what = "what a new Laravel application lacks" if template == "laravel" else "a skeleton that starts"
    yield f"{folder} is written: {path.name}, CHECKLIST.md, and {what}. Next:"
    yield f"  cd {shlex.quote(str(folder))}"
    yield from (f"  {one}" for one in FIRST[template])
    yield f"  instance-sync doctor --target {path.name}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "target"


def _write(options: SimpleNamespace) -> Path:
    given = {way: value for way in _WAYS if (value := getattr(options, way))}
    _check(options, list(given))
    # What is asked for is asked in this order, so that no answer is lost to a mistake in an option.
    name = options.name or _ask("--name", "Name of your implementation")
    path = _path(options, name)
    way, value = next(iter(given.items()), None) or _way()
    directory = options.directory or "."
    if way == "command" and not options.directory:

        def folder(text: str) -> str:
            _folder(path.parent / text)
            return text

        directory = _ask("", "The folder that it is started in, from where the file is", ".", folder)
    claims = options.claims or _ask("", f"Claims, of {', '.join(Profile)}", "core", _profiles)
    log, log_file = _log(options, way)
    template = Template(
        resources.files("harness.cli").joinpath("target.toml.jinja").read_text("utf-8"),
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    adapter = _adapter(path, name) if options.adapter else None
    text = template.render(
        adapter=adapter and _text(adapter.name),
        plain_name="".join(one for one in name if one.isprintable()),
        file=path,
        name=_text(name),
        profiles=", ".join(Profile),
        claims=json.dumps([one.strip() for one in claims.split(",")]),
        **{way: _text(shlex.split(value) if way == "command" else value)},
        directory=_text(directory),
        webhook=_text(options.webhook_path or str(Target.__dataclass_fields__["webhook_path"].default)),
        send=_text(options.send_path or SendTarget().path),
        log=log,
        log_file=log_file and _text(log_file),
    )
    written = [] if adapter is None else [adapter]
    try:
        path.write_text(text, "utf-8")
        written.append(path)
        read_target(path)
    except OSError as problem:
        _unlink(written)
        raise TargetError(f"{path} cannot be written: {problem.strerror}") from None
    except TargetError:
        _unlink(written)
        raise
    return path


def _adapter(target: Path, name: str) -> Path:
    """Write the template of an adapter beside a target file."""
    path = target.with_name(f"{target.stem.replace('-', '_')}_adapter.py")
    if path.exists():
        raise TargetError(f"{path} exists, and is not overwritten; choose another target file with --output")
    text = resources.files("harness.adapters").joinpath("template.py").read_text("utf-8")
    plain = re.sub(r'[\\"]', "", "".join(one for one in name if one.isprintable()))
    try:
        path.write_text(text.replace("{name}", plain, 1), "utf-8")
    except OSError as problem:
        raise TargetError(f"{path} cannot be written: {problem.strerror}") from None
    return path


def _unlink(files: list[Path]) -> None:
    for one in files:
        one.unlink()


def _check(options: SimpleNamespace, ways: list[str]) -> None:
    if len(ways) > 1:
        raise TargetError(f"--{ways[0]} and --{ways[1]} are given; keep one")
    if options.url and options.directory:
        raise TargetError("--directory is for what the harness starts, and --url runs already")
    if options.log_file and options.log not in {None, "file"}:
        raise TargetError(f"--log-file is for --log file, and --log is {options.log}")


def _path(options: SimpleNamespace, name: str) -> Path:
    path = Path(options.output or f"{_slug(name)}.toml")
    if path.exists() and not options.output and sys.stdin.isatty():
        path = Path(_ask("", f"{path} exists. Write which file", check=_new_file))
    if path.exists():
        raise TargetError(f"{path} exists, and is not overwritten; choose another with --output")
    if not path.parent.is_dir():
        raise TargetError(f"{path} cannot be written: there is no folder {path.parent}")
    if options.directory and not (folder := path.parent / options.directory).is_dir():
        raise TargetError(f"--directory: there is no folder {folder}; it is relative to {path}")
    return path


def _way() -> tuple[str, str]:
    question = "Is it started by a command, from an image, or does it already run at a url"
    way = _ask("--command, --image or --url", question, "command", click.Choice(_WAYS))
    return way, _ask(f"--{way}", f"Its {way}", check=_CHECKS.get(way, str))


def _log(options: SimpleNamespace, way: str) -> tuple[str, str]:
    """Return where it logs, and the file if it already runs."""
    logs = _LOGS_OF_WHAT_RUNS if way == "url" else _LOGS
    log = options.log or (options.log_file and "file")
    log = log or _ask("", f"Where it logs: {' or '.join(logs)}", "file", click.Choice(logs))
    if log == "file" and way == "url":
        return log, options.log_file or _ask("--log-file", "The file to which it logs")
    if options.log_file:
        raise TargetError("--log-file is for --url: what is launched is given its file as LOG_FILE")
    return log, ""


def _ask(option: str, question: str, default: str | None = None, check: Any = str) -> str:
    """Ask until the answer can be used, so that those that were given before are not lost.

    Without a terminal, return the default, or name the option that is missing.
    """
    if sys.stdin.isatty():
        answer: str = click.prompt(question, default=default, type=check, show_choices=False)
        return answer.strip()
    if option:
        raise TargetError(f"{option} is missing, and there is no terminal to ask at")
    return default or ""


def _text(value: object) -> str:
    # Every text of JSON is one of TOML, except for the one control character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
