"""Actions: what can be done to a world. Each is declared once, and is a step of features, a value, JSON and words.

    @action("the session moves to instance {number} unannounced", given="the session has moved to …")
    def session_moves(world: World, number: int) -> None: ...

declares the two steps, and the kind of action `session-moves`. The steps of features and the stories that the
explorer makes up are carried out by that one function.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_bdd import given as given_step
from pytest_bdd import when as when_step
from pytest_bdd.parsers import re as regex

from harness.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from harness.scenario.world import World

Value = int | float | str

_PATTERNS = {"int": r"\d+", "float": r"\d+(?:\.\d+)?", "str": r".+"}
_READ: dict[str, Callable[[Any], Value]] = {"int": int, "float": float, "str": str}
_PLACE = re.compile(r"\{(\w+)\}")
_STEPS = "harness.scenario.steps"
_ACTION = "action"


@dataclass(frozen=True, slots=True)
class Field:
    """A part of an action: of which type, and the words that it can be, where they are not free.

    With an empty word among two, the other is one that can be left out.
    """

    type: str
    choices: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """What it can be in a step, as the inside of a regular expression."""
        if not self.choices:
            return _PATTERNS[self.type]
        return "|".join(_literal(one) for one in self.choices if one)

    def read(self, given: object) -> Value:
        """Return a value that was given as text or as JSON; ValueError says what it must be."""
        if self.choices:
            if given in self.choices:
                return str(given)
            raise ValueError(f"must be one of {', '.join(map(repr, self.choices))}")
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if self.type == "str" and not isinstance(given, str):
            raise ValueError("must be a text")
        if self.type != "str" and not (
            number or (isinstance(given, str) and re.fullmatch(_PATTERNS[self.type], given))
        ):
            raise ValueError("must be a number")
        return _READ[self.type](given)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of action, as it was declared."""

    name: str
    phrase: str
    """Its When step, with `{field}` for each part."""
    given_phrase: str
    meaning: str
    fields: Mapping[str, Field] = field(hash=False)
    do: Callable[..., object] = field(hash=False)

    def __call__(self, **values: object) -> Action:
        """Return an action of this kind; TargetError says which part is wrong."""
        if unknown := {*values} ^ {*self.fields}:
            raise TargetError(
                f"the action {self.name} has {', '.join(self.fields) or 'no parts'}: "
                f"{', '.join(sorted(unknown))} {'is' if len(unknown) == 1 else 'are'} "
                f"{'missing' if unknown <= {*self.fields} else 'unknown or missing'}"
            )
        read: list[tuple[str, Value]] = []
        for name, one in self.fields.items():
            try:
                read.append((name, one.read(values[name])))
            except ValueError as problem:
                raise TargetError(f"the action {self.name}: {name} = {values[name]!r} {problem}") from None
        return Action(self, tuple(read))


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do to a world: a kind, and a value for each of its parts."""

    kind: Kind
    parts: tuple[tuple[str, Value], ...] = ()

    def __getitem__(self, part: str) -> Value:
        """Return the value of a part."""
        return dict(self.parts)[part]

    def get(self, part: str) -> Value | None:
        """Return the value of a part, None if it has no such part."""
        return dict(self.parts).get(part)

    def carry_out(self, world: World) -> object:
        """Do it."""
        return self.kind.do(world, **dict(self.parts))

    @property
    def step(self) -> str:
        """The action as the text of a When step."""
        return self._filled(self.kind.phrase)

    @property
    def given(self) -> str:
        """The action as the text of a Given step."""
        return self._filled(self.kind.given_phrase)

    def to_json(self) -> dict[str, Value]:
        """Return it as a JSON object: the name of its kind under "action", and its parts."""
        return {_ACTION: self.kind.name, **dict(self.parts)}

    def __str__(self) -> str:
        """Return it in words for a command line: `session-moves number=3002`."""
        return shlex.join(
            [self.kind.name, *(f"{name}={_shown(value)}" for name, value in self.parts if value != "")]
        )

    def _filled(self, phrase: str) -> str:
        return _PLACE.sub(lambda place: _shown(self[place[1]]), phrase)


def action(
    phrase: str,
    *,
    given: str | None = None,
    also: Sequence[str] = (),
    **choices: Collection[str],
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Declare a kind of action by the function that carries it out, and with it the steps of features.

    Args:
        phrase: its When step. `{part}` stands for a parameter of the function.
        given: its Given step, where that is worded otherwise.
        also: further wordings of either.
        choices: by the names of parts that are words, those that they can be.

    """

    def declared(do: Callable[..., object]) -> Callable[..., object]:
        types = {name: kind for name, kind in do.__annotations__.items() if name not in {"world", "return"}}
        fields = {name: Field(kind, tuple(choices.get(name, ()))) for name, kind in types.items()}
        name = do.__name__.replace("_", "-")
        if name in _kinds:
            raise AssertionError(f"two kinds of action are called {name}")
        made = Kind(name, phrase, given or phrase, _sentence(do.__doc__), fields, do)
        _kinds[name] = made
        for wording in dict.fromkeys((made.given_phrase, phrase, *also)):
            given_step(_parser(wording, fields), converters=_converters(fields), stacklevel=2)(do)
        for wording in dict.fromkeys((phrase, *also)):
            when_step(_parser(wording, fields), converters=_converters(fields), stacklevel=2)(do)
        _patterns.extend((_compiled(wording, fields), made) for wording in {phrase, made.given_phrase, *also})
        return do

    return declared


def kinds() -> Mapping[str, Kind]:
    """Return every kind of action, by its name."""
    package = importlib.import_module(_STEPS)
    for one in pkgutil.iter_modules(package.__path__, f"{_STEPS}."):
        importlib.import_module(one.name)
    return _kinds


def named(name: str) -> Kind:
    """Return the kind of this name; TargetError has the nearest one."""
    known = kinds()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else "instance-sync steps --actions lists them"
    raise TargetError(f"no action is called {name!r}; {hint}")


def of_json(value: object) -> Action:
    """Return the action that a JSON object is; TargetError if it is none."""
    if not isinstance(value, dict) or not isinstance(value.get(_ACTION), str):
        raise TargetError(f'an action is a JSON object with "{_ACTION}": {str(value)[:80]}')
    return named(value[_ACTION])(
        **_with_defaults(value[_ACTION], {k: v for k, v in value.items() if k != _ACTION})
    )


def of_words(text: str) -> Action:
    """Return the action that these words of a command line are; TargetError if they are none."""
    try:
        name, *parts = shlex.split(text)
    except ValueError as problem:
        raise TargetError(f"the action {text!r} cannot be read: {problem}") from None
    if wrong := [one for one in parts if "=" not in one]:
        raise TargetError(f"the action {name}: write its parts as name=value, not {wrong[0]!r}")
    return named(name)(**_with_defaults(name, dict(one.split("=", 1) for one in parts)))


def of_step(text: str) -> Action | None:
    """Return the action that the text of a step is, whether Given or When; None if it is another step."""
    kinds()
    for pattern, kind in _patterns:
        if found := pattern.fullmatch(text):
            return kind(**{name: "" if value is None else value for name, value in found.groupdict().items()})
    return None


def _with_defaults(name: str, values: Mapping[str, object]) -> dict[str, object]:
    """Add the parts that can be left out."""
    left_out = {part: "" for part, one in named(name).fields.items() if "" in one.choices}
    return {**left_out, **values}


_kinds: dict[str, Kind] = {}
_patterns: list[tuple[re.Pattern[str], Kind]] = []


def _pattern(phrase: str, fields: Mapping[str, Field]) -> str:
    def place(found: re.Match[str]) -> str:
        one = fields[found[1]]
        return f"(?P<{found[1]}>{one.pattern}){'?' if '' in one.choices else ''}"

    pieces = _PLACE.split(phrase)
    return "".join(
        place(match) if odd and (match := _PLACE.fullmatch(f"{{{piece}}}")) else _literal(piece)
        for odd, piece in ((number % 2, piece) for number, piece in enumerate(pieces))
    )


def _compiled(phrase: str, fields: Mapping[str, Field]) -> re.Pattern[str]:
    return re.compile(_pattern(phrase, fields))


def _parser(phrase: str, fields: Mapping[str, Field]) -> regex:
    return regex(_pattern(phrase, fields))


def _converters(fields: Mapping[str, Field]) -> dict[str, Callable[[str], object]]:
    def converter(one: Field) -> Callable[[str | None], object]:
        return lambda text: one.read(text or "")

    return {name: converter(one) for name, one in fields.items()}


def _literal(text: str) -> str:
    return re.escape(text).replace("\\ ", " ")


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _sentence(docstring: str | None) -> str:
    return (docstring or "").strip().split("\n\n")[0].replace("\n", " ")
