"""Who may send a webhook."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from reference_impl.edges.signature import Authenticator, NotAuthenticError, sign

BODY = b'{"event":"session_ready"}'
NOW = 1_763_798_326
CHECK = Authenticator("shared", 300)


def test_the_signature_covers_the_timestamp_and_then_the_body() -> None:
    expected = hmac.new(b"shared", b"1763798326" + BODY, hashlib.sha256).hexdigest()
    assert sign("shared", str(NOW), BODY) == expected


@pytest.mark.parametrize("offset", [-299, 0, 299])
def test_a_genuine_webhook_within_the_window_is_authentic(offset: int) -> None:
    stamp = str(NOW + offset)
    assert CHECK.timestamp_of(sign("shared", stamp, BODY), stamp, BODY, NOW + 0.5) == NOW + offset


@pytest.mark.parametrize("offset", [-302, 302])
def test_a_timestamp_outside_the_window_is_expired(offset: int) -> None:
    stamp = str(NOW + offset)
    with pytest.raises(NotAuthenticError, match="expired"):
        CHECK.timestamp_of(sign("shared", stamp, BODY), stamp, BODY, NOW)


@pytest.mark.parametrize(
    "stamp",
    ["abc", "1e3", f"{NOW}abc", f" {NOW}", f"{NOW}\n", "-5", "+5", "9" * 5000, "١٧٦٣٧٩٨٣٢٦", "1763798326.0"],
)
def test_a_timestamp_that_is_no_number_is_refused_though_signed(stamp: str) -> None:
    with pytest.raises(NotAuthenticError, match="Invalid request timestamp"):
        CHECK.timestamp_of(sign("shared", stamp, BODY), stamp, BODY, NOW)


@pytest.mark.parametrize(
    ("signature", "stamp"), [(None, str(NOW)), ("", str(NOW)), ("f" * 64, None), ("f" * 64, "")]
)
def test_both_headers_are_needed(signature: str | None, stamp: str) -> None:
    with pytest.raises(NotAuthenticError, match="Missing"):
        CHECK.timestamp_of(signature, stamp, BODY, NOW)


GOOD = sign("shared", str(NOW), BODY)


@pytest.mark.parametrize(
    "signature",
    [
        sign("other", str(NOW), BODY),
        ("0" if GOOD[0] != "0" else "1") + GOOD[1:],
        GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1"),
        GOOD[:32],
        "sha256=" + GOOD,
        GOOD.upper(),
        GOOD + " ",
        sign("shared", str(NOW), BODY + b" "),
        sign("shared", str(NOW - 1), BODY),
        "é" * 64,
    ],
)
def test_any_other_signature_is_refused(signature: str | None) -> None:
    with pytest.raises(NotAuthenticError, match="Invalid signature"):
        CHECK.timestamp_of(signature, str(NOW), BODY, NOW)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr("reference_impl.edges.signature.hmac.compare_digest", compare_digest)
    with pytest.raises(NotAuthenticError, match="Invalid signature"):
        CHECK.timestamp_of(GOOD, str(NOW), BODY, NOW)
    assert compared == [(GOOD.encode(), GOOD.encode())]
