"""Lists every step that a feature can be written with, read from the step definitions themselves."""

from __future__ import annotations

import importlib
import pkgutil
import re
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_bdd.parser import FeatureParser
from pytest_bdd.steps import step_function_context_registry

import harness.scenario.steps
from harness.catalogue import features as suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_bdd.steps import StepFunctionContext

_WIDTH = 110
_ORDER = ("given", "when", "then")
_TYPED = re.compile(r"\{(\w+):\w+\}")
_FREE = re.compile(r"(?<!\")\{(\w+)\}(?!\")")
_NUMBER = re.compile(r"\(\?P<(\w+)>\\d\+\)")
_NAME = re.compile(r"\(\?P<(\w+)>\\w\+\)")
_OPTIONAL = re.compile(r"\((?:\?:|\?P<\w+>)([^()|]*)\)\?")
_ESCAPED = re.compile(r"\\([^dw])")
_CHOICE = re.compile(r"\(\?P<(\w+)>([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One way to write a step. `{a name}` stands for a value, and what is in brackets can be left out.

    Attributes:
        kinds: given, when and then: those that it can be.
        words: the step, as it is written in a feature.
        meaning: what it does, in a sentence.
        values: by the names of values that are words: those that there are, or that the features use.
        table: whether a table follows it.

    """

    kinds: tuple[str, ...]
    words: str
    meaning: str
    values: Mapping[str, tuple[str, ...]]
    table: bool


@dataclass(frozen=True, slots=True)
class Theme:
    """The phrases about one thing."""

    name: str
    about: str
    phrases: tuple[Phrase, ...]


def themes() -> tuple[Theme, ...]:
    """Return every phrase, by theme."""
    names = sorted(one.name for one in pkgutil.iter_modules(harness.scenario.steps.__path__))
    modules = [importlib.import_module(f"harness.scenario.steps.{name}") for name in names]
    known = list(step_function_context_registry.values())
    used = _used([one for one in known if one.step_func.__module__.startswith("harness.scenario.steps.")])
    return tuple(
        Theme(
            name.replace("_", " ").capitalize(),
            _sentence(module.__doc__),
            tuple(_phrases([one for one in known if one.step_func.__module__ == module.__name__], used)),
        )
        for name, module in zip(names, modules, strict=True)
    )


def matching(found: Sequence[Theme], words: Sequence[str]) -> tuple[Theme, ...]:
    """Return the phrases that have every one of the words, in their step or its meaning."""

    def has_all(phrase: Phrase) -> bool:
        text = f"{phrase.words} {phrase.meaning} {phrase.values}".lower()
        return all(word.lower() in text for word in words)

    kept = (replace(one, phrases=tuple(filter(has_all, one.phrases))) for one in found)
    return tuple(one for one in kept if one.phrases)


def step_lines(found: Sequence[Theme]) -> Iterator[str]:
    """Return phrases as lines for a terminal."""
    for theme in found:
        yield f"── {theme.name} ──"
        for one in theme.phrases:
            yield f"{'/'.join(one.kinds):<12}{one.words}"
            yield from textwrap.wrap(
                _explained(one), _WIDTH, initial_indent=" " * 16, subsequent_indent=" " * 16
            )
    count = sum(len(theme.phrases) for theme in found)
    yield f"{count} step{'' if count == 1 else 's'}"


def steps_markdown(found: Sequence[Theme]) -> Iterator[str]:
    """Return phrases as tables in Markdown, a section for each theme."""
    for theme in found:
        yield from (f"## {theme.name}", "", theme.about, "", "| | step | what it does |", "|---|---|---|")
        for one in theme.phrases:
            kinds = ", ".join(kind.capitalize() for kind in one.kinds)
            yield f"| {kinds} | `{one.words}` | {_explained(one, code='`').replace('|', chr(92) + '|')} |"
        yield ""


def _explained(one: Phrase, code: str = "") -> str:
    parts = [one.meaning]
    if one.table:
        parts.append("A table follows it.")
    for name, values in one.values.items():
        listed = ", ".join(f"{code}{value}{code}" for value in values)
        parts.append(f"{code}{{{name}}}{code}: {listed}.")
    return " ".join(parts)


def _phrases(
    contexts: Sequence[StepFunctionContext], used: Mapping[tuple[str, str], Sequence[str]]
) -> Iterator[Phrase]:
    merged: dict[tuple[int, str], Phrase] = {}
    for one in sorted(contexts, key=lambda one: (one.step_func.__code__.co_firstlineno, one.parser.name)):
        words, values = _words(one)
        for name in _FREE.findall(words):
            if name not in values and (found := used.get((one.parser.name, name))):
                values[name] = tuple(found)
        key = one.step_func.__code__.co_firstlineno, words
        kinds = {one.type or "", *(merged[key].kinds if key in merged else ())}
        merged[key] = Phrase(
            tuple(sorted(kinds, key=_ORDER.index)),
            words,
            _sentence(one.step_func.__doc__),
            values,
            "datatable" in one.step_func.__code__.co_varnames,
        )
    yield from merged.values()


def _words(one: StepFunctionContext) -> tuple[str, dict[str, tuple[str, ...]]]:
    if not hasattr(one.parser, "regex"):
        return _TYPED.sub(r"{\1}", one.parser.name), {}
    values: dict[str, tuple[str, ...]] = {}

    def named(choice: re.Match[str]) -> str:
        values[choice[1]] = tuple(choice[2].split("|"))
        return f"{{{choice[1]}}}"

    text = _OPTIONAL.sub(r"[\1]", one.parser.name)
    text = _NAME.sub(r"{\1}", _NUMBER.sub(r"{\1}", text))
    return _ESCAPED.sub(r"\1", _CHOICE.sub(named, text)), values


def _used(contexts: Sequence[StepFunctionContext]) -> dict[tuple[str, str], list[str]]:
    """Return the words that the features use for the values of phrases, in their order."""
    used: dict[tuple[str, str], list[str]] = {}
    open_ones = [one for one in contexts if _FREE.search(_words(one)[0])]
    for step in sorted(set(_steps_as_run())):
        for one in open_ones:
            if not one.parser.is_matching(step):
                continue
            for name, value in (one.parser.parse_arguments(step) or {}).items():
                found = used.setdefault((one.parser.name, name), [])
                if isinstance(value, str) and not value.isdecimal() and value not in found:
                    found.append(value)
    return used


def _steps_as_run() -> Iterator[str]:
    root = suite.features_root()
    for path in sorted(root.rglob("*.feature")):
        feature = FeatureParser(str(root), path.relative_to(root).as_posix()).parse()
        for template in feature.scenarios.values():
            rows: list[dict[str, str]] = [row for table in template.examples for row in table.as_contexts()]
            for row in rows or [{}]:
                yield from (step.name for step in template.render(row).steps)


def _sentence(docstring: str | None) -> str:
    return (docstring or "").strip().split("\n\n")[0].replace("\n", " ")
