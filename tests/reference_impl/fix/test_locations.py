"""Which claims are believed, and which signatures are remembered."""

from __future__ import annotations

import pytest

from reference_impl.edges.answers import Holding
from reference_impl.fix.locations import SeenSignatures, is_believed

HELD, IDLE, ABSENT, UNKNOWN = Holding.HELD, Holding.NOT_CONNECTED, Holding.ABSENT, Holding.UNKNOWN
EVERY = [HELD, IDLE, ABSENT, UNKNOWN]


@pytest.mark.parametrize("assigned", EVERY)
def test_a_fresh_claim_is_believed_if_it_is_true(assigned: Holding) -> None:
    assert is_believed(HELD, assigned, doubtful=False)


@pytest.mark.parametrize("assigned", EVERY)
@pytest.mark.parametrize("doubtful", [True, False])
@pytest.mark.parametrize("claimed", [IDLE, ABSENT])
def test_no_claim_is_believed_that_the_claimed_instance_denies(
    claimed: Holding, assigned: Holding, *, doubtful: bool
) -> None:
    assert not is_believed(claimed, assigned, doubtful=doubtful)


@pytest.mark.parametrize(
    ("assigned", "believed"), [(HELD, False), (IDLE, True), (ABSENT, True), (UNKNOWN, True)]
)
def test_a_fresh_claim_that_cannot_be_checked_yields_to_the_assigned_instance(
    assigned: Holding, *, believed: bool
) -> None:
    assert is_believed(UNKNOWN, assigned, doubtful=False) is believed


@pytest.mark.parametrize(
    ("assigned", "believed"), [(HELD, False), (IDLE, True), (ABSENT, True), (UNKNOWN, False)]
)
def test_a_doubtful_claim_needs_both_to_bear_it_out(assigned: Holding, *, believed: bool) -> None:
    assert is_believed(HELD, assigned, doubtful=True) is believed
    assert not is_believed(UNKNOWN, assigned, doubtful=True)


def test_a_signature_is_remembered_until_it_would_be_too_old_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("reference_impl.fix.locations.time.monotonic", lambda: now[0])
    seen = SeenSignatures(300)
    assert seen.add("a")
    assert not seen.add("a")
    now[0] += 599
    assert not seen.add("a")
    assert seen.add("b")
    now[0] += 2
    assert seen.add("a")
    assert not seen.add("b")


def test_a_signature_can_be_forgotten() -> None:
    seen = SeenSignatures(300)
    seen.add("a")
    seen.remove("a")
    assert seen.add("a")
