"""The attachment check refuses none whose mistake looks most like a wrong attachment."""

from __future__ import annotations

import pytest

from tests.mutants.machinery.attached import main

ALIKE = (
    "reference",
    "node",
    "fakes",
    "before-the-fix",
    "seconds-taken-for-milliseconds",
    "signature-expected-over-the-body-alone",
    "key-left-out-when-asking",
    "verification-never-called",
    "verification-not-logged",
    "signature-in-base64",
    "reconnect-announced-by-its-login-alone",
    "connection-announced-as-reconnect",
    "name-of-the-machine-claimed",
    "statistics-in-place-of-a-list",
)


def test_who_makes_a_mistake_is_attached_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ALIKE) == 0, capsys.readouterr().out
    assert f"0 of {len(ALIKE)} refused" in capsys.readouterr().out


@pytest.mark.thorough
def test_none_of_all_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(()) == 0, capsys.readouterr().out
