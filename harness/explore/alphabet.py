"""The actions that stories are made of, for a fleet and a beginning. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.scenario.actions import Action, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_UNUSABLE = (
    "refuses connections",
    "never answers",
    "falls silent in mid-answer",
    "drips its answer byte by byte",
    "answers 500",
    "answers an empty body",
    "answers broken JSON",
    "answers a list",
    "answers null",
    "answers a number",
    "answers without sessions",
    "answers without details",
    "answers HTML",
)
WAITING = frozenset({"never answers", "falls silent in mid-answer", "drips its answer byte by byte"})
"""Behaviours that cost a timeout: at most one of them is in a story."""
_LOST = (
    "resets the connection",
    "closes the connection",
    "breaks off its answer",
    "answers 500",
    "answers 502",
)
_OFF = (340, 250, 100, 3600, 86_410)
"""Seconds by which a webhook's clock is off: near the usual window on both sides, within, beyond, and a day."""
_STATES = ("disconnected", "qr_scanning", "authenticated", "failed")
_SEPARATE = frozenset({"account-with-id"})


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a story begins: who holds the session, and where the row points.

    `holder` is None where nobody holds it; `assigned` is None where the row names nobody.
    """

    holder: int | None
    assigned: int | None
    characters: str = ""

    def given(self, numbers: Sequence[int]) -> tuple[Action, ...]:
        """Return the actions that bring it about. A second account, whose row is right, is always there."""
        first: tuple[Action, ...]
        if self.holder is None:
            first = (named("account-nowhere")(number=self.assigned),)
        elif self.characters:
            first = (named("account-with-id")(number=self.holder, characters=self.characters),)
        else:
            first = (named("account-on")(number=self.holder),)
        other = named("account-of-same-workspace")(number=self.bystander(numbers))
        if self.assigned is None:
            return (*first, other, named("set-row-to-none")())
        if self.holder not in {None, self.assigned}:
            return (*first, other, named("set-row")(number=self.assigned))
        return (*first, other)

    def bystander(self, numbers: Sequence[int]) -> int:
        """Return an instance that the first account has nothing to do with."""
        return self.free(numbers)[0]

    def free(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """Return the instances that the first account has nothing to do with."""
        return tuple(one for one in numbers if one not in {self.holder, self.assigned})

    def roles(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """Return instances that play different parts: the holder, the assigned one, and one more."""
        first = [one for one in (self.holder, self.assigned) if one is not None]
        return tuple(dict.fromkeys([*first, self.free(numbers)[-1]]))


def beginnings(numbers: Sequence[int]) -> tuple[Beginning, ...]:
    """Return the usual beginnings, the most telling first."""
    one, two, three, four = numbers
    return (
        Beginning(two, one),
        Beginning(three, three),
        Beginning(None, one),
        Beginning(four, two),
        Beginning(two, None),
        Beginning(one, four),
    )


@lru_cache(maxsize=64)
def disturbances(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return what may happen before something is judged: one of each kind, and then another of each."""
    return tuple(_in_turn(_disturbances(beginning, numbers)))


def _in_turn(actions: Iterable[Action]) -> Iterator[Action]:
    """Return actions by turns, so that much is tried soon: the first of every kind, then the second of every kind."""
    by_kind: dict[str, list[Action]] = {}
    for one in actions:
        by_kind.setdefault(one.kind.name, []).append(one)
    for row in itertools.zip_longest(*by_kind.values()):
        yield from (one for one in row if one is not None)


def _disturbances(beginning: Beginning, numbers: tuple[int, ...]) -> Iterator[Action]:
    roles = beginning.roles(numbers)
    others = [one for one in roles if one != beginning.holder]
    holder = beginning.holder
    if holder is not None:
        yield from _every("moves-unannounced", number=others)
        yield from _every("reconnects", number=others)
    yield from _every("set-row", number=[one for one in roles if one != beginning.assigned])
    yield from _every(
        "misbehaves", number=roles, behaviour=_UNUSABLE, asked=[""], optional=[", if it is asked"]
    )
    yield from _every("lists-too", number=others)
    yield from _every("has-copy", number=others, status=_STATES)
    yield from _every("misreports-copy", number=others, optional=[", if it is asked"])
    yield from _every("holds-alike", number=others, likeness=_choices("holds-alike", "likeness"))
    yield from _every("holds-others", number=others)
    yield from _every("set-row-to-none")
    yield from _every("set-row-with-slash", number=roles)
    yield from _every("set-row-status", status=["disconnected", "qr_scanning", "failed", "pending"])
    yield from _every("row-names", content=_choices("row-names", "content"))
    yield from _every("instance-restarted", number=roles[:1], how=_choices("instance-restarted", "how"))
    yield from _every("closed-idle", number=roles[:1])
    yield from _every("deployed-everywhere")
    yield from _every("set-other-row", number=[one for one in roles if one != beginning.bystander(numbers)])
    if holder is None:
        return
    post: dict[str, Sequence[object]] = {"number": [holder], "optional": [", if it gets one"]}
    yield from _every("sends-then-fails", failure=_LOST, **post)
    yield from _every("refuses-message", status=[400, 401, 403, 422, 429, 500, 503], **post)
    yield from _every("answers-hollow", body=_choices("answers-hollow", "body"), **post)
    yield from _every("answers-success-alone", **post)
    yield from _every("denies", number=roles, optional=[", if one does"])
    for new in others[-1:]:
        yield from _every("moves-after-verification", new=[new], old=[holder])
        yield from _every("moves-before-message", new=[new], old=[holder])
        yield from _every("moves-and-old-goes-away", new=[new], old=[holder])
        yield from _every("redirects-message", other=[new], status=[307, 308], **post)
    yield from _every("answers-status-alone", status=[201, 202, 204], **post)
    yield from _every("all-restarted")
    yield from _every("restored-everywhere", number=others[-1:])
    yield from _every("all-misreport-copies")
    yield from _every("all-deny")
    yield from _every("reconnects-unheard", number=others)
    yield from _every("is-well-again", number=roles)
    yield from _every("killed-after-answer", number=[holder])
    yield from _every("started-again")
    yield from _every(
        "redirects",
        number=roles,
        what=_choices("redirects", "what"),
        status=[302, 307],
        optional=[", if it comes"],
    )


@lru_cache(maxsize=64)
def judged_actions(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return what is judged, each in its usual form: a send, an announcement, a check."""
    where = beginning.holder or beginning.free(numbers)[-1]
    return (
        *_every("sends", message=["message"]),
        *_every("announces", number=[where], event=["session_ready", "session_reconnected"]),
        *_every("health-check-runs"),
        *_every("sends-from-other", message=["other message"]),
        *_every("health-check-dry-run"),
    )


@lru_cache(maxsize=64)
def judged_once(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return what is judged in all its forms, which need nothing before them."""
    return tuple(_in_turn(_judged_once(beginning, numbers)))


def _judged_once(beginning: Beginning, numbers: tuple[int, ...]) -> Iterator[Action]:
    where = [beginning.holder or beginning.free(numbers)[-1]]
    elsewhere = [one for one in beginning.roles(numbers) if one not in where]
    forms = {
        name: _choices(name, part)
        for name, part in (("announces-written", "form"), ("announces-in-case", "case"))
    }
    yield from _every("announces-flawed", number=where, flaw=_choices("announces-flawed", "flaw"))
    if beginning.holder is not None:
        yield from _every("names-location", location=_choices("names-location", "location"))
    yield from _every("announces-at", number=where, text=_choices("announces-at", "text"))
    yield from _every("announces-signed", number=where, seconds=_OFF, direction=["ago", "ahead"])
    yield from _every("announces-body", number=where, body=_choices("announces-body", "body"))
    yield from _every("announces", number=where, event=_choices("announces", "event"))
    yield from _every("announces", number=elsewhere, event=["session_ready", "session_reconnected"])
    yield from _every("announces-no-location", number=where)
    yield from _every("announces-empty-location", number=where)
    yield from _every("announces-unknown", number=where)
    yield from _every("announces-other-workspace", number=where)
    yield from _every("announces-with-slash", number=where)
    yield from _every("announces-no-workspace", number=where)
    yield from _every("announces-null-phone", number=where)
    yield from _every("announces-in-case", number=where, case=forms["announces-in-case"])
    yield from _every("announces-in-chunks", number=where, size=[1, 7, 64])
    yield from _every("announces-written", number=where, form=forms["announces-written"])
    yield from _every(
        "announces-odd-name",
        number=where,
        oddity=_choices("announces-odd-name", "oddity"),
        field=["session id", "phone number"],
    )
    yield from _every("announces-other", number=[beginning.bystander(numbers)])
    yield from _every("webhook-late", number=elsewhere[:1], seconds=[100])
    yield from _every("webhook-again")
    yield from _every(
        "again-from", location=["another host", "the stranger", *(f"instance {one}" for one in elsewhere)]
    )
    yield from _every("sends-content", content=_choices("sends-content", "content"))
    yield from _every("sends-to-number", message=["message"], form=_choices("sends-to-number", "form"))
    yield from _every("same-words")
    yield from _every("same-words-to-three")
    yield from _every("twenty-send")
    yield from _every(
        "sends-wrongly", part=_choices("sends-wrongly", "part"), wrong=_choices("sends-wrongly", "wrong")
    )
    yield from _every("sends-from-nobody", message=["message"])
    yield from _every("announces-much", number=where, framing=_choices("announces-much", "framing"))
    yield from _every(
        "announces-too-much",
        number=where,
        event=["session_ready", "message_received"],
        framing=_choices("announces-too-much", "framing"),
    )
    yield from _every(
        "announces-odd",
        number=where,
        event=["message_received"],
        oddity=_choices("announces-odd", "oddity"),
    )
    yield from _every("announces-behind-burst", number=where, count=[80])
    yield from _every("announces-held", number=where)
    yield from _every("each-to-somebody")
    yield from _every("both-send-their-own")
    yield from _every("same-words-at-once")
    if beginning.holder is not None:
        yield from _every("many-ways")
        yield from _every("announced-at-once", count=[6])
        yield from _every("moves-before-each")
        yield from _every("sends-overlap", old=where, new=elsewhere[-1:] or beginning.free(numbers)[:1])


@lru_cache(maxsize=64)
def announcements(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return genuine announcements, which may come again, late, or under another name."""
    if beginning.holder is None:
        return ()
    return (
        *_every("announces", number=[beginning.holder], event=["session_ready", "session_reconnected"]),
        *_every("reconnects", number=_others(beginning, numbers)),
        *_every("announced-ahead", number=[beginning.holder], seconds=[240]),
    )


@lru_cache(maxsize=64)
def repetitions(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return what comes after an announcement: itself, an older one, the next one, another name for it."""
    others = _others(beginning, numbers)
    return (
        *_every("webhook-again"),
        *_every("webhook-late", number=beginning.roles(numbers), seconds=[100]),
        *_every("reconnects", number=others),
        *_every(
            "again-from", location=["another host", "the stranger", *(f"instance {one}" for one in others)]
        ),
    )


@lru_cache(maxsize=64)
def false_names(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return signed webhooks that name somebody else, of which the next send shows who believed them."""
    others = (f"instance {one}" for one in _others(beginning, numbers))
    return tuple(_every("names-location", location=["the stranger", "another host", *others]))


@lru_cache(maxsize=64)
def troubles(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return troubles of the holder that are over, and must not be remembered for long."""
    del numbers
    where = [beginning.holder or 0]
    return (
        *_every("sent-while-down", number=where, count=["six"]),
        *_every(
            "sent-while-troubled",
            number=where,
            count=["six"],
            trouble=[one for one in _choices("sent-while-troubled", "trouble") if one != "never answered"],
        ),
        *_every("sent-while-troubled", number=where, count=["four"], trouble=["never answered"]),
        *_every("twelve-hung", number=where),
    )


@lru_cache(maxsize=64)
def kills(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return the ends of the implementation right after it accepted something."""
    del numbers
    return () if beginning.holder is None else tuple(_every("killed-after-answer", number=[beginning.holder]))


def denials(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return the ways in which an instance lists the session and denies it."""
    return tuple(_every("denies", number=beginning.roles(numbers), optional=[", if one does"]))


def copies(beginning: Beginning, numbers: tuple[int, ...]) -> tuple[Action, ...]:
    """Return second copies of the session that are connected."""
    return tuple(_every("lists-too", number=_others(beginning, numbers)))


def _others(beginning: Beginning, numbers: tuple[int, ...]) -> list[int]:
    return [one for one in beginning.roles(numbers) if one != beginning.holder]


def strange_ids() -> tuple[str, ...]:
    """Return the unusual session ids that a story can begin with."""
    return named("account-with-id").fields["characters"].choices


def _choices(kind: str, part: str) -> tuple[str, ...]:
    return named(kind).fields[part].choices


def _every(kind: str, **values: Sequence[object]) -> Iterator[Action]:
    names, made = list(values), named(kind)
    for chosen in itertools.product(*values.values()):
        yield made(**dict(zip(names, chosen, strict=True)))
