"""A story: actions, in order, as plain data. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import TargetError
from harness.scenario.actions import of_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.scenario.actions import Action

MOST_ACTIONS = 40
"""How many actions a story that is read may have, so that a file from elsewhere has bounds."""


@dataclass(frozen=True, slots=True)
class Story:
    """What is there at first, and what then happens."""

    given: tuple[Action, ...]
    when: tuple[Action, ...]

    @property
    def actions(self) -> tuple[Action, ...]:
        """All of it, in order."""
        return (*self.given, *self.when)

    def with_when(self, when: Sequence[Action]) -> Story:
        """Return a story that begins alike and goes on otherwise."""
        return replace(self, when=tuple(when))

    def to_json(self) -> dict[str, object]:
        """Return it as a JSON object with "given" and "when", each a list of actions."""
        return {
            "given": [one.to_json() for one in self.given],
            "when": [one.to_json() for one in self.when],
        }

    @property
    def name(self) -> str:
        """A name made of its content: the same story has the same name everywhere."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def lines(self) -> Iterator[str]:
        """Return it as Given and When steps, without keywords."""
        yield from (one.given for one in self.given)
        yield from (one.step for one in self.when)

    def __str__(self) -> str:
        """Return what happens in it, in words for a command line."""
        return "; ".join(str(one) for one in self.actions)


def story_of_json(value: object) -> Story:
    """Return the story that a JSON object is.

    Raises:
        TargetError: it is none, or one of its actions is none.
    """
    if not isinstance(value, dict) or not all(
        isinstance(value.get(part), list) for part in ("given", "when")
    ):
        raise TargetError('a story is a JSON object with the lists "given" and "when"')
    if len(value["given"]) + len(value["when"]) > MOST_ACTIONS:
        raise TargetError(f"a story has {MOST_ACTIONS} actions at most")
    return Story(tuple(map(of_json, value["given"])), tuple(map(of_json, value["when"])))
