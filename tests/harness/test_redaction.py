"""Secrets are taken out of every text, however they are encoded, and nothing else is."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum

from hypothesis import given
from hypothesis import strategies as st

from harness.redaction import SHOWN_INSTEAD, redact, redact_cut, redact_values
from tests.harness.made_up_runs import REPEATABLE

KEY = "0123456789abcdef0123456789abcdeF"
SIGNATURE = "0123456789abcdef" * 4


@REPEATABLE
@given(st.text(max_size=9), st.text(max_size=9))
def test_a_secret_is_hidden_in_plain_in_hex_and_in_base64(before: str, after: str) -> None:
    text = f"{before}{KEY}{after}".encode("utf-8", "replace")
    for encoded in (
        text.decode(),
        text.hex(),
        base64.b64encode(text).decode(),
        base64.urlsafe_b64encode(text).decode(),
    ):
        shown = redact(f"<{encoded}>", [KEY])

        assert SHOWN_INSTEAD in shown
        # What may be left of a secret is what shares a group of base64 with its neighbours.
        assert len(shown) <= len(f"<{SHOWN_INSTEAD}>") + 2 * len(text) - 2 * len(KEY) + 4


@REPEATABLE
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_nothing_else_is_changed(text: str) -> None:
    assert redact(text, [KEY]) == text


def test_whatever_looks_like_a_signature_is_hidden() -> None:
    assert redact(SIGNATURE.upper(), ()) == SHOWN_INSTEAD
    assert redact(f"id={SIGNATURE[:-1]}", ("nowhere",)) == f"id={SIGNATURE[:-1]}"
    assert redact(f"{SIGNATURE}0", ()) == f"{SIGNATURE}0"


def test_half_a_character_is_replaced() -> None:
    assert redact("a\ud800b", ()) == "a\ufffdb"


class Kind(StrEnum):
    KEY = KEY


@dataclass(frozen=True)
class Entry:
    body: bytes
    headers: tuple[tuple[str, str], ...]
    kind: Kind = Kind.KEY
    number: int | None = None


def test_values_are_redacted_wherever_they_stand_and_keep_their_types() -> None:
    entry = Entry(f"a {KEY}".encode(), (("X", KEY),))

    assert redact_values({KEY: [entry, (KEY, 1, None, True)]}, [KEY]) == {
        "[secret]": [Entry(b"a [secret]", (("X", "[secret]"),)), ("[secret]", 1, None, True)]
    }


def test_a_piece_of_a_secret_at_a_cut_is_hidden_too() -> None:
    key = bytes(range(7, 119, 7)).hex()
    for length in range(6, len(key)):
        assert redact_cut(f"key {key[:length]}… and so on", [key]) == f"key {SHOWN_INSTEAD}… and so on"
        assert redact_cut(f"…{key[-length:]} it was", [key]) == f"…{SHOWN_INSTEAD} it was"
