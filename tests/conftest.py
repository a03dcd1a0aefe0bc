"""What takes long begins first, so that no worker is left alone with it in the end. All else is in random order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

LONG = (
    "test_same_verdict.py",
    "test_wheel.py",
    "test_compose.py",
    "test_failure_texts.py",
    "test_image_driver.py",
    "test_fleet_containers.py",
    "test_doctor_elsewhere.py",
    "test_compare_command.py",
    "test_cluster.py",
    "test_campaign_command.py",
    "test_reports_end_to_end.py",
    "test_interruption.py",
    "test_fuzz.py",
)
"""The modules whose tests take longest, from half a minute to two."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take long before the others, those of one module together."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONG)))
