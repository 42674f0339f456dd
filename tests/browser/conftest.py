"""A real browser and what the tests ask it: no axe violation, targets, no sideways scroll."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright

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
# What a theme can break that was in order in another one at the same width.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
WIDTHS = (320, 1280)
SCHEMES = ("light", "dark")
PHONE = ViewportSize(width=WIDTHS[0], height=720)
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


class Visitors:
    """Visitors at the server `url`, each with cookies of their own. US English, a clinic's zone.

    A window costs a second of processor time, so the next visitor gets the one that was left.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.left: dict[tuple[bool, bool], list[Page]] = defaultdict(list)
        self.refused: list[str] = []

    @contextmanager
    def one(self, *, script: bool = True, own_styles: bool = False) -> Iterator[Page]:
        left = self.left[script, own_styles]
        page = left.pop() if left else self._window(script=script, own_styles=own_styles)
        page.set_viewport_size(PHONE)
        self.refused.clear()
        yield page
        self._leave(page)
        left.append(page)
        assert self.refused == [], "a page holds what its own policy forbids"

    def _window(self, *, script: bool, own_styles: bool) -> Page:
        context = self.browser.new_context(
            base_url=self.url,
            locale="en-US",
            timezone_id="America/New_York",
            java_script_enabled=script,
            bypass_csp=own_styles,
        )
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", self._note)
        return page

    def _note(self, said: ConsoleMessage) -> None:
        if POLICY in said.text:
            self.refused.append(said.text)

    def _leave(self, page: Page) -> None:
        page.goto("about:blank")  # whatever is under way ends before the database is emptied
        page.context.clear_cookies()
        page.emulate_media(media="null", color_scheme="null", forced_colors="null", contrast="null")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium().url, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def visitors(browser: Browser, live_server) -> Visitors:
    return Visitors(browser, live_server.url)


@pytest.fixture
def page(visitors) -> Iterator[Page]:
    """A fresh visitor at a phone's width; paths are relative to the live server."""
    with visitors.one() as page:
        yield page


@pytest.fixture
def page_without_javascript(visitors) -> Iterator[Page]:
    with visitors.one(script=False) as page:
        yield page


@pytest.fixture
def page_with_own_styles(visitors) -> Iterator[Page]:
    """Readers may bring styles of their own, which no page may; mail programs know no policy."""
    with visitors.one(own_styles=True) as page:
        yield page


def looks(page: Page, wanted: Sequence[tuple[int, str]] = EVERY_LOOK) -> Iterator[str]:
    """The page at 320 and 1280 pixels, in light and in dark; yields what it is now."""
    for width, scheme in wanted:
        page.set_viewport_size({"width": width, "height": 720})
        page.emulate_media(color_scheme=scheme)
        yield f"{width} {scheme}"


def assert_no_axe_violations(page: Page, rules: Sequence[str] = RULES) -> None:
    """No rule of WCAG 2.0-2.2 A and AA, and no best practice, is broken."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"runOnly": list(rules), "resultTypes": ["violations"]}
    found = AxeResults(page.evaluate("options => axe.run(options)", options))
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
    widths = [width for width, _scheme in wanted]
    for number, look in enumerate(looks(page, wanted)):
        seen_so_wide = widths[number] in widths[:number]
        try:
            assert_no_axe_violations(page, COLOUR_RULES if seen_so_wide else RULES)
            assert_no_sideways_scroll(page)
        except AssertionError as error:
            raise AssertionError(f"{look}: {error}") from None
