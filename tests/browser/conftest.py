"""A real browser and what the tests ask it: no axe violation, targets, no sideways scroll."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import chromium

# Playwright's synchronous calls run inside an event loop of their own, and Django would take
# the fixtures' database calls there for asynchronous ones.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (320, 1280)
SCHEMES = ("light", "dark")
EVERY_LOOK = tuple(product(WIDTHS, SCHEMES))
# Enough for staff pages: the style guide shows what they are made of in every look.
TWO_LOOKS = ((WIDTHS[0], "dark"), (WIDTHS[1], "light"))

POLICY = "Content Security Policy"  # in what Chromium says of what it has not loaded or run

CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary"
# What a finger can hit: a control, or its label when that is in the same row. A link within a
# sentence is as high as its line, which WCAG 2.5.8 allows.
SMALL_TARGETS = """
([controls, minimum]) => [...document.querySelectorAll(controls)].flatMap(control => {
  if (!control.checkVisibility() || control.matches(".skip")) return [];
  const sentence = control.matches("a") && getComputedStyle(control).display === "inline"
    && [...control.parentNode.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (sentence) return [];
  const row = control.closest(".form-check") ?? control;
  const {width, height} = row.getBoundingClientRect();
  if (height >= minimum - 0.5 && width >= Math.min(minimum, 44) - 0.5) return [];
  return [`${control.outerHTML.slice(0, 80)} is ${width.toFixed(1)} x ${height.toFixed(1)}`];
})
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium().url, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, live_server) -> Iterator[Page]:
    """A fresh visitor at a phone's width; paths are relative to the live server."""
    with visitor(browser, live_server.url) as page:
        yield page


@pytest.fixture
def page_without_javascript(browser: Browser, live_server) -> Iterator[Page]:
    with visitor(browser, live_server.url, java_script_enabled=False) as page:
        yield page


@pytest.fixture
def page_with_own_styles(browser: Browser, live_server) -> Iterator[Page]:
    """Readers may bring styles of their own, which no page may; mail programs know no policy."""
    with visitor(browser, live_server.url, bypass_csp=True) as page:
        yield page


@contextmanager
def visitor(browser: Browser, url: str, **options) -> Iterator[Page]:
    """A visitor with cookies of their own. US English, a clinic's time zone."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": WIDTHS[0], "height": 720},
        locale="en-US",
        timezone_id="America/New_York",
        **options,
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if POLICY in said.text else None)
    yield page
    context.close()
    assert refused == [], "the page holds what its own policy forbids"


def looks(page: Page, wanted: Sequence[tuple[int, str]] = EVERY_LOOK) -> Iterator[str]:
    """The page at 320 and 1280 pixels, in light and in dark; yields what it is now."""
    for width, scheme in wanted:
        page.set_viewport_size({"width": width, "height": 720})
        page.emulate_media(color_scheme=scheme)
        yield f"{width} {scheme}"


def assert_no_axe_violations(page: Page) -> None:
    """No rule of WCAG 2.0-2.2 A and AA, and no best practice, is broken."""
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()


def assert_no_sideways_scroll(page: Page) -> None:
    wide, there = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= there, f"the page is {wide} px wide in a window of {there} px"


def assert_targets(page: Page, minimum: int) -> None:
    """Everything that can be tapped is at least `minimum` CSS pixels high."""
    small = page.evaluate(SMALL_TARGETS, [CONTROLS, minimum])
    assert small == [], "\n".join(small)


def assert_accessible_in_every_look(page: Page) -> None:
    """Nothing is found by axe and nothing scrolls sideways, at each width, in each theme."""
    _assert_accessible(page, EVERY_LOOK)


def assert_accessible_in_two_looks(page: Page) -> None:
    """Nothing is found by axe and nothing scrolls sideways, narrow and dark, wide and light."""
    _assert_accessible(page, TWO_LOOKS)


def _assert_accessible(page: Page, wanted: Sequence[tuple[int, str]]) -> None:
    for look in looks(page, wanted):
        try:
            assert_no_axe_violations(page)
            assert_no_sideways_scroll(page)
        except AssertionError as error:
            raise AssertionError(f"{look}: {error}") from None
