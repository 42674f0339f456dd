"""What people see, in a real browser: the style guide, the doors, the error pages."""

import gzip
import re
from pathlib import Path

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from ocrevus_tracker.accounts.models import User
from tests.accounts.doors import app_code, give_app
from tests.cast import PASSWORD

from .conftest import (
    CONTROLS,
    assert_accessible_in_every_look,
    assert_no_axe_violations,
    assert_no_sideways_scroll,
    assert_targets,
    looks,
)

pytestmark = [pytest.mark.urls("tests.browser.style_guide")]

STYLE_SHEET = Path(__file__).parent.parent.parent / "static/css/app.css"
GUIDES = {"patient": ("/style-guide/", 48), "staff": ("/style-guide/?staff=1", 44)}
DOORS = ["/sign-in/", "/sign-in/staff/"]
FAILURES = [400, 403, 404, 419, 500]

# What the Tab key has to reach: a group of radio buttons is one stop.
STOPS = """controls => {
  const all = [...document.querySelectorAll(controls)];
  const radios = all.filter(one => one.type === "radio");
  return all.length - radios.length + new Set(radios.map(one => one.name)).size;
}"""
FOCUSED = """() => {
  const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(document.activeElement);
  const {left, top, width, height} = document.activeElement.getBoundingClientRect();
  const seen = document.elementFromPoint(left + width / 2, top + height / 2);
  return {
    what: document.activeElement.outerHTML.slice(0, 80),
    ring: outlineStyle === "solid" && parseFloat(outlineWidth) >= 3 && boxShadow !== "none",
    element: document.activeElement !== document.body,
    covered: !(document.activeElement.contains(seen) || seen?.contains(document.activeElement)),
  };
}"""


def with_errors(page: Page, path: str) -> Page:
    page.goto(path)
    page.get_by_role("button", name="Save infusion").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    return page


class TestEveryComponent:
    @pytest.mark.parametrize("path", [path for path, _minimum in GUIDES.values()])
    def test_is_accessible_in_every_look(self, page, path):
        page.goto(path)
        assert_accessible_in_every_look(page)

    @pytest.mark.parametrize("path", [path for path, _minimum in GUIDES.values()])
    def test_is_accessible_with_errors(self, page, path):
        assert_accessible_in_every_look(with_errors(page, path))

    @pytest.mark.parametrize(("path", "minimum"), GUIDES.values(), ids=GUIDES)
    def test_can_be_hit_by_a_shaking_hand(self, page, path, minimum):
        page.goto(path)
        for _look in looks(page):
            assert_targets(page, minimum)

    @pytest.mark.parametrize("path", [path for path, _minimum in GUIDES.values()])
    def test_is_reached_by_tab_alone_and_shows_it(self, page, path):
        page.goto(path)
        for _stop in range(page.evaluate(STOPS, CONTROLS)):
            page.keyboard.press("Tab")
            focused = page.evaluate(FOCUSED)
            assert focused["element"]
            assert focused["ring"], focused["what"]
            assert not focused["covered"], focused["what"]

    @pytest.mark.parametrize("percent", [200, 320])
    def test_survives_larger_text(self, page_with_own_styles, percent):
        page_with_own_styles.goto("/style-guide/")
        page_with_own_styles.set_viewport_size({"width": 640, "height": 720})
        page_with_own_styles.add_style_tag(content=f"html {{ font-size: {percent}% !important }}")
        assert_no_sideways_scroll(page_with_own_styles)

    def test_survives_wider_text_spacing(self, page_with_own_styles):
        """WCAG 1.4.12's figures."""
        page_with_own_styles.goto("/style-guide/")
        spacing = "line-height: 1.5; letter-spacing: 0.12em; word-spacing: 0.16em"
        page_with_own_styles.add_style_tag(
            content=f"* {{ {spacing.replace(';', ' !important;')} !important }}"
        )
        assert_no_sideways_scroll(page_with_own_styles)

    @pytest.mark.parametrize("name", ["W" * 300, "🙂" * 300])
    def test_survives_a_name_without_end(self, page, name):
        page.goto("/style-guide/?saved=1")
        page.evaluate(
            """name => document.querySelectorAll(
              "h1, h2, .saved p, .status, dd, th a, caption, .big-date, .when, .form-check span"
            ).forEach(one => one.append(name))""",
            name,
        )
        for _look in looks(page):
            assert_no_sideways_scroll(page)

    def test_keeps_its_borders_in_forced_colors(self, page):
        page.emulate_media(forced_colors="active")
        page.goto("/style-guide/")
        widths = page.evaluate(
            "[...document.querySelectorAll('.card, .btn:not(.btn-link), .form-control')]"
            ".map(one => parseFloat(getComputedStyle(one).borderTopWidth))"
        )
        assert min(widths) >= 1
        assert_no_axe_violations(page)

    def test_has_thicker_borders_where_more_contrast_is_wanted(self, page):
        page.emulate_media(contrast="more")
        page.goto("/style-guide/")
        expect(page.locator(".card").first).to_have_css("border-top-width", "3px")
        expect(page.locator("body")).to_have_css("color", "rgb(0, 0, 0)")

    def test_prints_without_what_cannot_be_pressed_on_paper(self, page):
        page.goto("/style-guide/")
        page.emulate_media(media="print")
        expect(page.locator(".big-date")).to_be_visible()
        expect(page.locator("button:visible, .btn:visible, nav:visible")).to_have_count(0)

    def test_prints_every_status_black_on_white(self, page):
        page.emulate_media(media="print", color_scheme="dark")
        page.goto("/style-guide/")
        styles = page.locator(".status").evaluate_all(
            "all => all.map(one => getComputedStyle(one))"
            ".map(style => [style.color, style.backgroundColor])"
        )
        grounds = ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
        assert all(ink == "rgb(0, 0, 0)" and ground in grounds for ink, ground in styles)

    def test_can_be_dark_by_hand(self, page):
        page.goto("/style-guide/")
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        expect(page.locator("body")).to_have_css("background-color", "rgb(16, 24, 31)")
        page.emulate_media(color_scheme="dark")
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        expect(page.locator("body")).to_have_css("background-color", "rgb(250, 249, 245)")


class TestErrors:
    def test_bring_the_reader_to_the_summary(self, page):
        expect(with_errors(page, "/style-guide/").locator(".error-summary")).to_be_focused()

    def test_lead_to_the_field(self, page):
        with_errors(page, "/style-guide/").get_by_role("link", name="Fill in “Lot”").click()
        expect(page.get_by_label("Lot")).to_be_focused()

    def test_lead_to_the_first_wrong_box(self, page):
        page.goto("/style-guide/")
        birth = page.get_by_role("group", name="Date of birth")
        birth.get_by_label("Month").fill("February")
        birth.get_by_label("Day").fill("99")
        page.get_by_role("button", name="Save infusion").click()
        page.get_by_role("link", name="The date of birth must include a year").click()
        expect(birth.get_by_label("Year")).to_be_focused()
        expect(birth.get_by_label("Month")).to_have_value("February")

    def test_are_named_in_the_title(self, page):
        expect(with_errors(page, "/style-guide/")).to_have_title(re.compile("^Error: "))

    def test_show_without_javascript(self, page_without_javascript):
        with_errors(page_without_javascript, "/style-guide/")

    def test_saved_message_takes_the_focus(self, page):
        page.goto("/style-guide/?saved=1")
        expect(page.get_by_role("status")).to_be_focused()


class TestFrame:
    def test_skips_to_the_main_part(self, page):
        page.goto("/style-guide/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()

    def test_asks_nobody_else_for_anything(self, page, live_server):
        asked = []

        def note(request):
            asked.append(request.url)

        page.on("request", note)
        page.goto("/style-guide/", wait_until="networkidle")
        page.remove_listener("request", note)
        assert [url for url in asked if not url.startswith(live_server.url)] == []
        assert len(asked) <= 6

    def test_has_no_style_or_script_inside_the_page(self, page):
        page.goto("/style-guide/")
        inside = "[style], style, script:not([src]), [onclick], [onchange], [onsubmit]"
        expect(page.locator(inside)).to_have_count(0)

    def test_uses_the_readable_typeface(self, page):
        page.goto("/style-guide/", wait_until="networkidle")
        assert page.evaluate("document.fonts.check('18px \"Atkinson Hyperlegible Next\"')")

    def test_style_sheet_is_light(self):
        assert len(gzip.compress(STYLE_SHEET.read_bytes(), mtime=0)) <= 8 * 1024


class TestDoors:
    @pytest.mark.parametrize("path", DOORS)
    def test_are_accessible_in_every_look(self, page, path):
        page.goto(path)
        assert_accessible_in_every_look(page)
        assert_targets(page, 44)

    @pytest.mark.parametrize("path", DOORS)
    def test_are_accessible_with_errors(self, page, path):
        page.goto(path)
        page.get_by_role("button", name=re.compile("Send me a code|Sign in")).click()
        expect(page.locator(".error-summary")).to_be_focused()
        assert_accessible_in_every_look(page)

    def test_ask_in_words_for_what_is_missing(self, page):
        page.goto("/sign-in/staff/")
        page.get_by_role("button", name="Sign in").click()
        problems = page.locator(".error-summary li")
        expect(problems).to_have_text(["Enter your email address", "Enter your password"])

    def test_staff_get_in_with_a_password_and_a_code(self, page, rosa):
        give_app(rosa)
        page.goto("/sign-in/staff/?next=/style-guide/")
        page.get_by_label("Email address").fill(rosa.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        assert_accessible_in_every_look(page)
        page.get_by_label("Code").fill(app_code())
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        assert_accessible_in_every_look(page)

    def test_code_page_is_accessible_and_has_one_field_for_codes(self, page):
        ask_for_code(page, "stranger@example.org")
        code = page.get_by_label("Your code")
        expect(code).to_have_attribute("autocomplete", "one-time-code")
        expect(code).to_have_attribute("inputmode", "numeric")
        assert_accessible_in_every_look(page)
        assert_targets(page, 44)

    def test_wrong_code_is_said_and_kept(self, page):
        ask_for_code(page, "stranger@example.org")
        page.get_by_label("Your code").fill("000 000")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".error-summary")).to_be_focused()
        expect(page.get_by_label("Your code")).to_have_value("000 000")
        expect(page.locator(".invalid-feedback")).to_contain_text("That code does not match")
        assert_accessible_in_every_look(page)

    def test_code_lets_a_patient_in_with_or_without_a_space(self, page):
        User.objects.create_user("rosa@example.org")
        ask_for_code(page, "rosa@example.org", "/style-guide/")
        code = re.search(r"\d{3} \d{3}", mail.outbox[0].body)[0]
        page.get_by_label("Your code").fill(code.replace(" ", "-"))
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Not now").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("status")).to_have_text("You are signed out.")

    def test_code_mail_says_nothing_of_an_illness(self, page):
        User.objects.create_user("rosa@example.org")
        ask_for_code(page, "rosa@example.org")
        [message] = mail.outbox
        assert message.subject == "Your sign-in code"
        assert re.search(r"Your code is \d{3} \d{3}\.", message.body)
        html = message.alternatives[0].content
        assert re.search(r"\d{3} \d{3}", html)
        words = re.compile("ocrevus|infusion|sclerosis|neuro|\bMS\b", re.IGNORECASE)
        assert not words.search(f"{message.subject} {message.body} {html} {message.from_email}")

    def test_new_code_is_announced(self, page):
        ask_for_code(page, "stranger@example.org")
        page.get_by_role("button", name="Send a new code").click()
        expect(page.get_by_role("status")).to_contain_text("a new code is on its way")

    def test_code_mail_is_accessible(self, page_with_own_styles):
        User.objects.create_user("rosa@example.org")
        ask_for_code(page_with_own_styles, "rosa@example.org")
        page_with_own_styles.set_content(mail.outbox[0].alternatives[0].content)
        assert_accessible_in_every_look(page_with_own_styles)


def ask_for_code(page: Page, address: str, then: str = "/") -> None:
    page.goto(f"/sign-in/?next={then}")
    page.get_by_label("What is your email address?").fill(address)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()


class TestErrorPages:
    @pytest.mark.parametrize("status", FAILURES)
    def test_are_accessible_in_every_look(self, page, status):
        response = page.goto(f"/failing/{status}/")
        assert response.status == (403 if status == 419 else status)
        assert_accessible_in_every_look(page)
        assert_targets(page, 44)

    def test_server_error_asks_nothing_of_the_server(self):
        words = (STYLE_SHEET.parent.parent.parent / "templates/500.html").read_text()
        assert not re.search("{%|{{", words)
