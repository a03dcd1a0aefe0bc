"""A value of a JSON report, and where it stands: so that a failure names the key that is missing or wrong. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from harness.errors import ConformanceFailure
from harness.json_text import json_of
from harness.wording import few

_MOST_KEYS = 12
_LONGEST = 200
WHERE = "contract, section 3"


@dataclass(frozen=True, slots=True)
class Reported:
    """A value in the answer to a call (`asked`), and the path that leads to it; an empty path is the whole."""

    asked: str
    value: object
    path: str = ""

    @classmethod
    def of(cls, asked: str, body: str) -> Reported:
        """Read a whole report; a ConformanceFailure if it is no JSON object."""
        try:
            value = json_of(body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ConformanceFailure(f"{asked} reports a JSON object ({WHERE})", _cut(body))
        return cls(asked, value)

    def __getitem__(self, key: str) -> Reported:
        path = f"{self.path}.{key}" if self.path else key
        if not isinstance(self.value, dict):
            raise self.wrong("a JSON object")
        if key not in self.value:
            keys = few([str(one) for one in self.value], _MOST_KEYS) or "no key at all"
            inside = f"{self.path} has" if self.path else "it has"
            raise ConformanceFailure(
                f'the report of {self.asked} has the key "{path}" ({WHERE})', f"{inside} {keys}"
            )
        return Reported(self.asked, self.value[key], path)

    def each(self) -> list[Reported]:
        """Return the members of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [Reported(self.asked, one, f"{self.path}[{place}]") for place, one in enumerate(self.value)]

    def whole(self) -> int:
        """Return a whole number, which may be written as 3.0."""
        number = self.number()
        if number != int(number):
            raise self.wrong("a whole number")
        return int(number)

    def number(self) -> float:
        """Return a number, which is neither infinite nor NaN."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            try:
                number = float(self.value)
            except OverflowError:
                raise self.wrong("a number") from None
            if math.isfinite(number):
                return number
        raise self.wrong("a number")

    def text(self) -> str:
        """Return a text, or a number as its text."""
        if isinstance(self.value, str | int | float) and not isinstance(self.value, bool):
            return str(self.value)
        raise self.wrong("a text")

    def wrong(self, wanted: str) -> ConformanceFailure:
        """Return the failure of a value that is not what it must be."""
        return ConformanceFailure(
            f'"{self.path}" in the report of {self.asked} is {wanted} ({WHERE})',
            f"it is {_cut(json.dumps(self.value, ensure_ascii=False))}",
        )


def _cut(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST else f"{text[:_LONGEST]!r}…"
