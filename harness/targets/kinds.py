"""The types of values in a target file, and how a wrong one is worded. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import CoreSchema, core_schema

from harness.catalogue.requirements import closest

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import GetCoreSchemaHandler
    from pydantic_core.core_schema import ValidatorFunctionWrapHandler


class WrongValueError(ValueError):
    """What is wrong with a value, or with a `key` below it."""

    def __init__(self, words: str, key: str = "") -> None:
        self.key = key
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value, in the words of docs/target-file.md."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: object, check: ValidatorFunctionWrapHandler) -> object:
        try:
            return check(value)
        except ValidationError as problem:
            first = problem.errors(include_url=False)[0]
            if any(isinstance(one, str) for one in first["loc"]) or first["type"] == "value_error":
                raise  # one key of a table is wrong, and says what it must be
            raise WrongValueError(f"is {value!r} and must be {self.words}") from None


@dataclass(frozen=True, slots=True)
class Via:
    """A key that is allowed beside one `via` only, and must be given there if it has an example."""

    name: str
    example: str = ""


def hint(name: str, allowed: Collection[str]) -> str:
    """Say which name was probably meant, and which are allowed."""
    guess = closest(name, allowed)
    return f"{f' (did you mean {guess}?)' if guess else ''}; allowed: {', '.join(allowed)}"


def is_base_url(url: str) -> bool:
    """Say whether something can listen at a URL: it is of HTTP, has a host, and neither query nor user."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return good and not parts.query and not parts.fragment and parts.username is None


def among(*allowed: str) -> AfterValidator:
    """Check that a text, or every text of a list, is one of these."""

    def check(value: str | list[str]) -> str | list[str]:
        for one in [value] if isinstance(value, str) else value:
            if one not in allowed:
                raise WrongValueError(f"{one!r} is unknown; allowed: {', '.join(allowed)}")
        if not value:
            raise WrongValueError(f"is empty; allowed: {', '.join(allowed)}")
        return value

    return AfterValidator(check)


def must(check: Any, words: str) -> AfterValidator:
    """Check a value; `words` say what it must do."""

    def checked(value: Any) -> Any:
        if not check(value):
            raise WrongValueError(f"is {value!r} and must {words}")
        return value

    return AfterValidator(checked)


Text = Annotated[str, Kind("a text")]
Texts = Annotated[list[str], Kind("a list of texts")]
Table = Annotated[dict[str, Any], Kind("a table")]
TextTable = Annotated[dict[str, Text], Kind("a table")]
Flag = Annotated[bool, Kind("true or false")]
Commands = Annotated[
    list[Annotated[list[str], Field(min_length=1)]],
    Kind('a list of commands, each a list of texts, like [["php", "artisan", "queue:work"]]'),
]
Seconds = Annotated[float, Field(ge=0), Kind("a number of seconds")]
FixedSeconds = Annotated[Annotated[float, Field(gt=0)] | None, Kind("a number of seconds above 0")]
Path = Annotated[Text, must(lambda path: path.startswith("/"), "begin with a slash")]
BaseUrl = Annotated[
    Text,
    must(lambda url: not url or is_base_url(url), "be where it listens, such as http://127.0.0.1:8000"),
    AfterValidator(lambda url: url.rstrip("/")),
]
GIVEN = Field(min_length=1)
"""For a key that must be given, and not be empty."""
