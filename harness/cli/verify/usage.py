"""What `verify` says of an option that it cannot use: in its own words, with a way out."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from harness.cli.group import did_you_mean
from harness.errors import TargetError
from harness.run.asked.places import judged_by

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

PROGRAM = "instance-sync verify"
_UNKNOWN = "unrecognized arguments: "
_CHOICES = re.compile(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", re.DOTALL)
_VALUE = re.compile(r"argument (\S+): (?:invalid \w+ value: (.*)|expected (\w+) argument)", re.DOTALL)
PLUGINS = {
    "--timeout": "pytest_timeout",
    "--timeout-method": "pytest_timeout",
    "--reruns": "pytest_rerunfailures",
    "--cov": "pytest_cov.plugin",
    "--cov-report": "pytest_cov.plugin",
    "--html": "pytest_html.plugin",
    "--json-report": "pytest_jsonreport.plugin",
    "--alluredir": "allure_pytest.plugin",
    "--randomly-seed": "pytest_randomly",
    "--count": "pytest_repeat",
}
"""Options of other plugins, by what `-p` loads them with."""


class Usage:
    """A plugin that makes usage errors those of `verify`, and leaves out of the header what only pytest needs."""

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """Answer a wrong option in our own words."""
        parser.prog = PROGRAM
        options: Any = parser.optparser

        def error(message: str) -> NoReturn:
            raise pytest.UsageError(f"{PROGRAM}: {explained(message, options._option_string_actions)}")  # noqa: SLF001

        options.error = error

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Narrow the run to the features that the user names; the first path is that of all."""
        try:
            config.args[:] = judged_by(config.option.file_or_dir[1:], config.invocation_params.dir)
        except TargetError as problem:
            raise pytest.UsageError(f"{PROGRAM}: {problem}") from None

    @pytest.hookimpl(wrapper=True)
    def pytest_report_header(self) -> Generator[None, list[str | list[str]], list[str | list[str]]]:
        """Leave out that the file of settings is the empty one."""
        told = yield
        return [
            one if isinstance(one, str) else [line for line in one if not line.startswith("configfile:")]
            for one in told
        ]


def explained(message: str, known: Iterable[str]) -> str:
    """Return what the parser says of an option, as somebody reads it who knows nothing of parsers."""
    if message.startswith(_UNKNOWN):
        return _unknown(message.removeprefix(_UNKNOWN).split()[0].partition("=")[0], known)
    if found := _CHOICES.fullmatch(message):
        choices = [one.strip("'") for one in found[3].split(", ")]
        return f"{found[1]}: there is no {found[2]!r}{did_you_mean(found[2], choices)}; choose {_either(choices)}"
    if found := _VALUE.fullmatch(message):
        return f"{found[1]}: {f'{found[2]} is no number' if found[2] else 'it needs a value'}"
    return message


def _unknown(option: str, known: Iterable[str]) -> str:
    if (plugin := PLUGINS.get(option)) is not None:
        if find_spec(plugin.partition(".")[0]) is None:
            return f"{option} is an option of {plugin.partition('.')[0].replace('_', '-')}, which is not installed"
        return f"{option} is an option of another plugin of pytest, which verify loads only if named: -p {plugin}"
    guess = did_you_mean(option, [one for one in known if one.startswith("--")])
    more = guess or "; if it is one of another plugin of pytest, name that plugin: -p NAME"
    return f"there is no option {option}{more} ({PROGRAM} --help lists them)"


def _either(choices: list[str]) -> str:
    return ", ".join(choices[:-1]) + f" or {choices[-1]}" if len(choices) > 1 else choices[0]
