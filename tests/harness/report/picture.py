"""`python -m tests.harness.report.picture`: draw docs/images/report.png: what a report shows of the incident.

Needs Chromium and its driver (on Debian: chromium, chromium-driver).
"""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.docs import DOCS
from tests.prerequisites import program

PICTURE = DOCS / "images" / "report.png"
WIDTH = 1120
SHARPNESS = 1.25
CROP = """
  const keep = [document.querySelector('header'), document.querySelector('.scenario.failed')];
  document.querySelectorAll('.run, .sensitivity, .source, .rule, .steps, dl.finding').forEach(one => one.remove());
  keep[1].open = true;
  document.querySelector('main').replaceChildren(keep[1]);
  keep[1].style.marginTop = '1rem';
  document.querySelector('main').style.paddingBottom = '1rem';
  return document.querySelector('main').getBoundingClientRect().bottom;
"""
"""Keep the verdict and the failed scenario's diagram, which names steps and finding, and return their height."""


def main(arguments: list[str]) -> int:
    """Judge the control plane of the incident, and save a picture of the page that says so."""
    with TemporaryDirectory() as folder:
        judged = ["verify", "--target", "before-fix", "--requirement", "TIMELINE-01", "--report", folder]
        command = [sys.executable, "-m", "harness.cli.main", *judged, "-q", *arguments]
        if (said := subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)).returncode != 1:
            sys.stderr.write(f"the verdict is not non-conformant:\n{said.stdout}")
            return 1
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(photographed(Path(folder) / "report.html"))
    sys.stdout.write(f"{PICTURE.relative_to(DOCS.parent)}: {PICTURE.stat().st_size // 1024} KB\n")
    return 0


def photographed(page: Path) -> bytes:
    """Return the page's verdict and its failed scenario as PNG."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium", "chromium")
    for one in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(one)
    with webdriver.Chrome(options, Service(program("chromedriver", "chromium-driver"))) as browser:
        scheme = {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
        screen = {"width": WIDTH, "height": 800, "deviceScaleFactor": SHARPNESS, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        browser.get(page.as_uri())
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": browser.execute_script(CROP), "scale": 1}
        shot = {"captureBeyondViewport": True, "clip": clip}
        return base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", shot)["data"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
