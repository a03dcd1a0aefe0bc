"""Signatures where scenarios cannot look."""

from __future__ import annotations

import pytest

from reference_impl.edges.signature import Authenticator, NotAuthenticError, sign

BODY = b'{"event":"session_ready"}'
NOW = 1_763_798_326
CHECK = Authenticator("shared", 300)
GOOD = sign("shared", str(NOW), BODY)


@pytest.mark.parametrize("stamp", ["9" * 5000, "١٧٦٣٧٩٨٣٢٦", f" {NOW}", f"{NOW}\n", "+5"])
def test_a_timestamp_that_only_python_reads_is_refused(stamp: str) -> None:
    with pytest.raises(NotAuthenticError, match="Invalid request timestamp"):
        CHECK.timestamp_of(sign("shared", stamp, BODY), stamp, BODY, NOW)


def test_a_signature_that_is_not_ascii_is_refused() -> None:
    with pytest.raises(NotAuthenticError, match="Invalid signature"):
        CHECK.timestamp_of("é" * 64, str(NOW), BODY, NOW)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr("reference_impl.edges.signature.hmac.compare_digest", compare_digest)
    with pytest.raises(NotAuthenticError, match="Invalid signature"):
        CHECK.timestamp_of(GOOD, str(NOW), BODY, NOW)
    assert compared == [(GOOD.encode(), GOOD.encode())]
