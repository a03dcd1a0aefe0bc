"""The page in a real browser: it fits, wide and narrow, light and dark, and obeys its own policy.

Needs Chromium and its driver (on Debian: chromium, chromium-driver). CI has them; elsewhere the tests skip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from harness.frontier import page
from tests.harness.frontier.made_up import CONDITIONS, COUNT, SECONDS, axis, found, measured, up_to
from tests.prerequisites import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.thorough

NAME = "an implementation with a name that is as long as somebody may like to have it " * 2
FITS = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
STROKE = "return getComputedStyle(document.querySelector('line.band.good')).stroke"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    chromium, driver = program("chromium", "chromium"), program("chromedriver", "chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for one in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as opened:
        yield opened


def test_it_fits_and_obeys_its_policy_and_has_colours_for_light_and_dark(
    browser: Chrome, tmp_path: Path
) -> None:
    one, other = axis("delay"), axis("count", COUNT)
    results = [
        measured(one, NAME, found(SECONDS, up_to(3))),
        measured(one, "reference", found(SECONDS, up_to(300))),
        measured(other, NAME, found(COUNT, up_to(300))),
    ]
    file = tmp_path / "frontier.html"
    file.write_text(page.render(results, {NAME: "1", "reference": "2"}, CONDITIONS), "utf-8")

    colours = {}
    for scheme in ("light", "dark"):
        features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
        for width in (1280, 400):
            screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
            browser.get(file.as_uri())
            needed, there = browser.execute_script(FITS)
            assert needed <= there, (scheme, width)
        colours[scheme] = browser.execute_script(STROKE)

    assert colours["light"] != colours["dark"]
    assert browser.get_log("browser") == []
