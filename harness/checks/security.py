"""Checks of what is kept from strangers, and of how locations are refused. Pure (contract, sections 3 to 5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fake_instances.journal import StrangerReceived, StrangerTouched
from fake_instances.stranger.leaks import reached
from harness import log_events
from harness.errors import ConformanceFailure
from harness.redaction import SHOWN_INSTEAD, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from harness.contract import LogLine, Row
    from harness.history import History

LONGEST_LINE = 4000
"""The most characters of a line about a refused location: far more than an honest one needs."""
_LEAST_SHOWN = 60
"""Characters of a refused location that must be shown; a longer one may be cut short."""
_QUOTED = 120
"""Characters that are quoted before and after a leak."""
OTHER_EVENTS = (
    log_events.AUTO_SYNC,
    log_events.NOT_IN_ASSIGNED,
    log_events.SYNCED,
    log_events.NOT_ANYWHERE,
    log_events.UNVERIFIABLE,
    log_events.CORRECTED,
)
"""Events that a refused location cannot bring about. A verification is none: it may be how it was refused."""


def names_configured(row: Row | None, urls: Collection[str]) -> None:
    """Check that a row names one of the configured instances, in its configured spelling."""
    if row is None:
        raise ConformanceFailure("the account's row is there", "it is gone")
    stored = row.assigned_instance_url
    if (stored or "").removesuffix("/") not in urls:
        shown = "nothing" if stored is None else repr(stored[:200])
        raise ConformanceFailure(f"the row names one of {', '.join(urls)}", f"it names {shown}")


def kept_from_stranger(history: History, texts: Mapping[str, str]) -> None:
    """Check that none of these texts, given by name, reached the stranger in any encoding."""
    received = tuple(history.of(StrangerReceived))
    leaked = [what for what, text in texts.items() if reached(received, text)]
    if leaked:
        raise ConformanceFailure(
            f"none of {', '.join(texts)} reaches a host that is not configured",
            f"{' and '.join(leaked)} reached the stranger",
        )


def stranger_untouched(history: History) -> None:
    """Check that nobody connected to the stranger."""
    received = tuple(history.of(StrangerReceived))
    if touched := tuple(history.of(StrangerTouched)):
        first = received[0].data[:80] if received else b""
        raise ConformanceFailure(
            "no connection is made to a host that is not configured",
            f"{len(touched)} were, the first of them sending {first!r}",
        )


def whole_or_nothing(
    before: Row, after: Row | None, status: int | None, wanted: Mapping[str, object]
) -> None:
    """Check that a webhook changed everything but the location, or nothing, and was answered."""
    if after is None:
        raise ConformanceFailure("the account's row is there", "it is gone")
    if status is None or status >= 500:
        raise ConformanceFailure(
            "the webhook is answered below 500", f"it was answered {status or 'not at all'}"
        )
    written = {name: after.columns[name] == value for name, value in wanted.items()}
    if not all(written.values()) and (change := before.difference(after)):
        raise ConformanceFailure("status and phone number are written, or nothing is", change)


def refused_as_too_large(status: int | None, reason: str | None) -> None:
    """Check the answer to a body that is too large: 413 or 400, or a cut connection."""
    # 411 refuses chunks, whose length the server cannot know.
    if status not in {None, 400, 411, 413}:
        raise ConformanceFailure("the webhook is answered 413 or 400", f"it was answered {status}")
    if status is None and "time" in (reason or "").lower():
        raise ConformanceFailure("the webhook is answered 413 or 400", f"it got no answer: {reason}")


def refusal_logged_safely(lines: Sequence[LogLine], session_id: str, claim: str) -> None:
    """Check the line of a refused location: it shows the claim, and makes no line look like another event."""
    refused = [line for line in lines if log_events.REFUSED_LOCATION in line.text]
    if not refused or any(line.fields.get("session_id") != session_id for line in refused):
        shown = "; ".join(line.text[:300] for line in refused) or "there is none"
        raise ConformanceFailure(
            f'a line "{log_events.REFUSED_LOCATION}" reports the refused location of the session', shown
        )
    if (longest := max(len(line.text) for line in refused)) > LONGEST_LINE:
        raise ConformanceFailure(f"the line has at most {LONGEST_LINE} characters", f"it has {longest}")
    for line in lines:
        if event := next((text for text in OTHER_EVENTS if text in line.text), None):
            raise ConformanceFailure(f'no line reports "{event}", which did not happen', line.text[:500])
    if (wanted := _recognisable(claim)) not in unquote(
        f"{refused[0].fields.get('claimed_url')} {refused[0].text}"
    ).replace("\\/", "/"):
        raise ConformanceFailure(
            f"the line shows the whole refused location, {wanted} at least", refused[0].text[:500]
        )


def _recognisable(claim: str) -> str:
    """Return what must be seen of a location: host, port and path, as far as every way to make it safe keeps them."""
    address = claim.partition("://")[2].partition("?")[0].rpartition("@")[2]
    plain = re.match(r"[A-Za-z0-9.:/_-]*", address)
    return plain[0][:_LEAST_SHOWN] if plain else ""


def nothing_secret(secrets: Mapping[str, str], texts: Iterable[tuple[str, Callable[[str], str]]]) -> None:
    """Check that no secret, given by its name, is in any of these texts, each with what says where it is."""
    leaked: dict[str, str] = {}
    for text, place_of in texts:
        for what, one in secrets.items():
            if one in text:
                leaked.setdefault(f"{what} in {place_of(text)}", _around(text, one, secrets.values()))
    if leaked:
        told = "; ".join(f"{where}: {quote}" for where, quote in leaked.items())
        raise ConformanceFailure("no secret, key or signature is shown", f"there is {told}")


def _around(text: str, secret: str, secrets: Collection[str]) -> str:
    """Quote what stands around a secret, without it."""
    before, _, after = text.partition(secret)
    # Redacted before it is cut: a piece of another secret would not be recognised.
    shown = redact(before, secrets)[-_QUOTED:] + SHOWN_INSTEAD + redact(after, secrets)[:_QUOTED]
    return shown.strip()
