"""The units of a campaign: plain data that says which stories are told, to what, by what. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from harness.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

STORIES = 500
"""How many stories a unit has by default: it takes about half a minute."""
_KEY_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Campaign:
    """What all units of a campaign have in common.

    Attributes:
        target: the digest of the target file, with its adapter.
        harness: the digest of the harness, with its requirements.
        database: the kind of database on which the implementation runs.
        seed: what the stories are made of.

    """

    target: str
    harness: str
    database: str
    seed: int

    def differs_from(self, other: Campaign) -> list[str]:
        """Return the names of what differs from another."""
        return [one.name for one in fields(Campaign) if getattr(self, one.name) != getattr(other, one.name)]


@dataclass(frozen=True, slots=True)
class Unit:
    """Some stories of a campaign: from the one numbered `first`, counted from 0, to the one before `end`."""

    campaign: Campaign
    first: int
    end: int

    @property
    def key(self) -> str:
        """Its name, made of its content: the same unit has the same key everywhere."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]

    def to_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {**asdict(self.campaign), "first": self.first, "end": self.end}

    def __str__(self) -> str:
        """Return which stories it has, counted from 1, as people read them."""
        return f"stories {self.first + 1} to {self.end}"


def unit_of_json(value: Any) -> Unit:
    """Return the unit that a JSON object is; TargetError if it is none."""
    texts, numbers = ("target", "harness", "database"), ("seed", "first", "end")
    if (
        not isinstance(value, dict)
        or any(not isinstance(value.get(one), str) for one in texts)
        or any(type(value.get(one)) is not int for one in numbers)
        or not 0 <= value["first"] < value["end"]
    ):
        raise TargetError(f"a unit is a JSON object with the texts {texts} and the numbers {numbers}")
    common = Campaign(**{one.name: value[one.name] for one in fields(Campaign)})
    return Unit(common, value["first"], value["end"])


def units(campaign: Campaign, stories: int, each: int) -> list[Unit]:
    """Return the units of a campaign of so many stories, with so many each; the last has those that are left."""
    return [Unit(campaign, first, min(first + each, stories)) for first in range(0, stories, each)]


def shard(all_units: Sequence[Unit], number: int, of: int) -> list[Unit]:
    """Return one shard, counted from 0, of so many: together they are all units, and no two have one in common."""
    return [*all_units[number::of]]
