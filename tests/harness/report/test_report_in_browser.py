"""The page in a real browser: it fits, it obeys its own policy, and it can be read and used.

Needs Chromium and its driver (on Debian: chromium, chromium-driver). CI has them; elsewhere the tests skip.
"""

from __future__ import annotations

import http.server
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from harness.catalogue.verdict import Outcome
from harness.evidence import Event, Evidence, Step
from harness.report.diagram import INSTANCES
from harness.report.formats.html import render_html
from tests.harness.reporting import LOGGED, RUNS, Made, record, with_record
from tests.prerequisites import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

WIDTHS = pytest.mark.parametrize("width", [1280, 400])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
LEAST_CONTRAST = 4.5
"""What the Web Content Accessibility Guidelines (1.4.3) ask for."""

LONG = "webjs_1_1763798326_" + "U9tUyl0b" * 30
FITS = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
COVERED = """
  return [...document.querySelectorAll('body *')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && !one.closest('.diagram') && !one.closest('pre')
      && (box.right > document.documentElement.clientWidth + 1 || box.left < -1);
  }).map(one => one.outerHTML.slice(0, 120));
"""
CONTRASTS = """
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = colour => {
    const [r, g, b] = [...rgb(colour)].slice(0, 3).map(one => one / 255)
      .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (rgb(colour)[3] === 255) return colour;
    }
    return 'white';
  };
  const worst = {};
  const all = document.querySelectorAll('body *:not(svg *)');
  for (const one of all) {
    if (![...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const name = one.tagName + '.' + one.className;
    worst[name] = Math.min(worst[name] ?? 99, ratio);
  }
  for (const one of document.querySelectorAll('svg text')) {
    const card = getComputedStyle(document.querySelector('.scenario')).backgroundColor;
    const [a, b] = [light(getComputedStyle(one).fill), light(card)].sort((x, y) => y - x);
    worst['svg ' + one.getAttribute('class')] = (a + 0.05) / (b + 0.05);
  }
  return worst;
"""


def made() -> Made:
    """Return a run with long words, many rows, and one outcome of each kind."""
    events = [Event(0.0, "", "", f'When the user sends "{LONG}"')]
    events += [Event(0.01, "implementation", one, f"GET /api/sessions/{LONG}/status") for one in INSTANCES]
    events += [Event(0.02, one, "implementation", "404", "bad") for one in INSTANCES]
    events.append(Event(0.03, "3004", "", f"holds {LONG}, connected", "faint"))
    evidence = Evidence(
        seconds=0.5,
        steps=(Step(f'When the user sends "{LONG}"', "failed", 0.4), Step("Then it is delivered")),
        expected=f"instance 3002 delivers {LONG} exactly once",
        observed="no instance delivered it\n  " + LONG,
        timeline=(LONG,),
        events=tuple(events),
    )
    unusual = [
        record(LOGGED, Outcome.FAILED, reason=f"expected {LONG}", evidence=evidence),
        record(LOGGED, Outcome.BROKEN, reason=LONG, row=f"row {LONG}"),
        record(LOGGED, Outcome.NOT_JUDGED, reason="it did not come up:\n  " + LONG, row="none"),
    ]
    return Made((*with_record(unusual[0]), *unusual[1:]), 3)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    chromium, driver = program("chromium", "chromium"), program("chromedriver", "chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for one in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def end_headers(self) -> None:
        # As strict as a server can be: what the page permits itself must do.
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "script-src 'none'; object-src 'none'; img-src 'none'")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        del format, args


@pytest.fixture
def page(browser: Chrome, tmp_path: Path) -> Iterator[tuple[Chrome, list[str]]]:
    """Open the page over HTTP, and return what was asked of the server too."""
    (tmp_path / "report.html").write_text(render_html(made().report()), "utf-8")
    handler = type("Handler", (_Quiet,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=tmp_path)) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        browser.get_log("browser")
        browser.get(f"http://127.0.0.1:{server.server_port}/report.html")
        yield browser, handler.asked
        browser.get("about:blank")
        server.shutdown()
        serving.join()


def shown_at(browser: Chrome, width: int, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    preferred = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preferred)


def open_everything(browser: Chrome) -> None:
    browser.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")


@WIDTHS
def test_the_page_never_scrolls_sideways(page: tuple[Chrome, list[str]], width: int) -> None:
    browser, _ = page
    shown_at(browser, width)
    for act in (lambda _: None, open_everything):
        act(browser)
        scroll, client = browser.execute_script(FITS)
        assert client == width
        assert scroll <= client
        assert browser.execute_script(COVERED) == []


def test_a_diagram_scrolls_in_its_own_box(page: tuple[Chrome, list[str]]) -> None:
    browser, _ = page
    shown_at(browser, 400)
    open_everything(browser)

    inside, box = browser.execute_script(
        "const one = document.querySelector('.diagram'); return [one.scrollWidth, one.clientWidth]"
    )
    assert inside > box
    assert box < 400


def test_the_browser_has_nothing_to_complain_of_and_nothing_to_fetch(page: tuple[Chrome, list[str]]) -> None:
    browser, asked = page

    wrong = [one["message"] for one in browser.get_log("browser") if "favicon.ico" not in one["message"]]
    assert wrong == []
    assert set(asked) <= {"/report.html", "/favicon.ico"}
    colour = browser.execute_script("return getComputedStyle(document.querySelector('h1')).color")
    assert colour != "rgb(0, 0, 0)"  # the policy lets the style through


@SCHEMES
def test_every_text_stands_out_from_what_is_behind_it(page: tuple[Chrome, list[str]], scheme: str) -> None:
    browser, _ = page
    shown_at(browser, 1280, scheme)
    open_everything(browser)

    contrasts: dict[str, float] = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 20
    assert {name: round(one, 2) for name, one in contrasts.items() if one < LEAST_CONTRAST} == {}


@pytest.mark.parametrize(
    ("choice", "outcomes"),
    [
        ("all", {"passed", "failed", "harness-error", "not-judged", "not-claimed"}),
        ("passed", {"passed"}),
        ("failed", {"failed", "harness-error"}),
        ("unjudged", {"not-judged", "not-claimed"}),
    ],
)
def test_scenarios_can_be_filtered_without_a_script(
    page: tuple[Chrome, list[str]], choice: str, outcomes: set[str]
) -> None:
    browser, _ = page
    shown_at(browser, 1280)
    browser.find_element("id", f"show-{choice}").click()

    visible = [one for one in browser.find_elements("class name", "scenario") if one.is_displayed()]
    assert {(one.get_attribute("class") or "").split()[1] for one in visible} == outcomes


def test_a_link_opens_the_scenario_it_leads_to(page: tuple[Chrome, list[str]]) -> None:
    browser, _ = page
    shown_at(browser, 1280)
    browser.execute_script("document.querySelectorAll('details').forEach(one => one.open = false)")
    browser.execute_script("document.querySelector('.alike').parentElement.open = true")
    browser.find_element("css selector", ".alike a").click()

    opened = browser.execute_script("return document.querySelector('.inside:target').closest('details').open")
    assert opened is True


def test_a_run_that_has_not_ended_says_so_at_first_sight(browser: Chrome, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(render_html(RUNS["not ended"].report()), "utf-8")
    shown_at(browser, 400)
    browser.get((tmp_path / "report.html").as_uri())

    assert browser.find_element("class name", "unfinished").is_displayed()
    assert browser.find_element("tag name", "h1").text == "? Incomplete"
