"""The main job from end to end in a real browser, by keyboard alone, with and without script."""

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from dateutil.relativedelta import relativedelta
from django.core import mail
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import Page, expect

from schedules.models import Infusion, Patient
from tests.accounts.doors import app_code, give_app
from tests.cast import PASSWORD, book, give, make_patient

from .signing_in import signed_in_page

# What a person would say the focused element is called.
FOCUSED = """() => {
  const one = document.activeElement;
  const named = one.labels?.length ? [...one.labels] : [one];
  return named.map(part => part.innerText || "").join(" ")
    .replace(/\\s+/g, " ").trim();
}"""
FARTHEST = 60  # Tab stops on our longest page, and some


class Keyboard:
    """A person without a mouse: Tab to things, press them, type. Counts both."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.activations = 0
        self.typed = 0

    def reach(self, name: str) -> None:
        """Tab until what has the focus is called `name`, or begins with it."""
        for _stop in range(FARTHEST):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(FOCUSED).startswith(name):
                return
        raise AssertionError(f"{name} cannot be reached with the Tab key")

    def press(self, name: str, key: str = "Enter", *, leads_to: str = "") -> None:
        self.reach(name)
        self.page.keyboard.press(key)
        self.activations += 1
        if leads_to:
            expect(self.page.get_by_role("heading", name=leads_to)).to_be_visible()

    def type(self, name: str, words: str) -> None:
        self.reach(name)
        self.page.keyboard.type(words)
        self.typed += len(words)


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def anybody(request, visitors) -> Iterator[Page]:
    """A visitor with JavaScript, and one without."""
    with visitors.one(script=request.param) as page:
        yield page


@pytest.fixture
def today(harbor) -> dt.date:
    return harbor.local_date(timezone.now())


@pytest.fixture
def dora(harbor, rosa, today) -> Patient:
    """Due and booked today."""
    now = timezone.now()
    patient = make_patient(harbor, rosa, "Dora", now=now)
    give(patient.course, rosa, today - relativedelta(months=6))
    book(patient.course, rosa, today, now=now)
    return patient


def sign_in_as_staff(page: Page, user) -> None:
    give_app(user)
    hands = Keyboard(page)
    page.goto("/sign-in/staff/")
    hands.type("Email", user.email)
    hands.type("Password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    hands.type("Code", app_code())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Work list")).to_be_visible()


def sign_in_as_patient(page: Page, patient: Patient) -> None:
    hands = Keyboard(page)
    page.goto("/sign-in/")
    hands.type("What is your email address?", patient.email)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    code = re.search(r"\d{3} \d{3}", str(mail.outbox[-1].body))
    assert code, "the mail has no code"
    assert mail.outbox[-1].to == [patient.email]
    hands.type("Your code", code[0])
    page.keyboard.press("Enter")
    # A passkey, which is offered the first time.
    expect(page.get_by_role("heading", name="Sign in faster next time?")).to_be_visible()
    hands.press("Not now")


def test_a_nurse_records_and_the_patient_sees_the_new_date(anybody, dora, rosa, today):
    sign_in_as_staff(anybody, rosa)
    hands = Keyboard(anybody)
    hands.press("Record", leads_to="Record an infusion")
    hands.press("I checked name and date of birth", key="Space")
    hands.press("Save infusion", leads_to="Dora Example")
    due = date_format(today + relativedelta(months=6), "F j, Y")
    saved = anybody.locator(".saved")
    expect(saved).to_contain_text(f"Saved. Dora's next infusion is due around {due}.")
    assert (hands.activations, hands.typed) == (3, 0)

    hands.press("Sign out", leads_to="Sign in to see your dates")
    sign_in_as_patient(anybody, dora)
    expect(anybody.locator(".big-date")).to_contain_text(due)
    expect(anybody.locator(".status").first).to_have_text(re.compile("Nothing to do now"))


def test_the_saved_message_has_the_focus(page, dora, rosa):
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{dora.pk}/record/")
        page.get_by_label("I checked name and date of birth").check()
        page.get_by_role("button", name="Save infusion").click()
        expect(page.locator(".saved")).to_be_focused()


def test_errors_have_the_focus_and_lead_to_their_field(page, dora, rosa):
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{dora.pk}/record/")
        page.get_by_role("button", name="Save infusion").click()
        expect(page.locator(".error-summary")).to_be_focused()
        expect(page).to_have_title(re.compile("^Error: "))
        page.get_by_role("link", name="Tick to show you checked").press("Enter")
        expect(page.get_by_label("I checked name and date of birth")).to_be_focused()


def test_the_back_button_and_a_second_save_keep_one_copy(anybody, dora, rosa):
    with signed_in_page(anybody, rosa):
        anybody.goto(f"/staff/patients/{dora.pk}/record/")
        anybody.get_by_label("I checked name and date of birth").check()
        anybody.get_by_role("button", name="Save infusion").click()
        expect(anybody.locator(".saved")).to_contain_text("Saved.")
        anybody.go_back()
        anybody.get_by_label("I checked name and date of birth").check()
        anybody.get_by_role("button", name="Save infusion").click()
        said = re.compile(r"Already saved\. We kept one copy|An infusion is already recorded")
        expect(anybody.locator(".saved, .error-summary")).to_contain_text(said)
        assert Infusion.objects.filter(course__patient=dora).count() == 2


def test_a_double_click_keeps_one_copy(page, dora, rosa):
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{dora.pk}/record/")
        page.get_by_label("I checked name and date of birth").check()
        page.get_by_role("button", name="Save infusion").dblclick()
        expect(page.locator(".saved")).to_be_visible()
        assert Infusion.objects.filter(course__patient=dora).count() == 2


def test_an_unusual_infusion_is_asked_about_on_one_page(anybody, dora, rosa):
    with signed_in_page(anybody, rosa):
        anybody.goto(f"/staff/patients/{dora.pk}/record/")
        hands = Keyboard(anybody)
        hands.reach("600 mg (expected)")
        anybody.keyboard.press("ArrowDown")
        hands.press("I checked name and date of birth", key="Space")
        hands.press("Save infusion")
        expect(anybody.get_by_role("heading", name="Is this right?")).to_be_visible()
        expect(anybody.get_by_text("The plan says 600 mg. You chose 300 mg.")).to_be_visible()
        hands.press("The prescriber agreed to it", key="Space")
        hands.press("It is right: save infusion")
        expect(anybody.locator(".saved")).to_contain_text("Saved.")


def test_undo_is_one_press(anybody, dora, rosa):
    with signed_in_page(anybody, rosa):
        anybody.goto(f"/staff/patients/{dora.pk}/record/")
        anybody.get_by_label("I checked name and date of birth").check()
        anybody.get_by_role("button", name="Save infusion").click()
        Keyboard(anybody).press("Undo")
        expect(anybody.locator(".saved")).to_contain_text("Undone.")
        assert Infusion.objects.counting().filter(course__patient=dora).count() == 1


def test_a_visit_is_booked_from_the_work_list(anybody, harbor, rosa, today):
    late = make_patient(harbor, rosa, "Abe", now=timezone.now())
    give(late.course, rosa, today - relativedelta(months=6, days=-14))
    with signed_in_page(anybody, rosa):
        anybody.goto("/staff/?list=due")
        hands = Keyboard(anybody)
        hands.press("Book Abe Example", leads_to="Book a visit")
        hands.press("Book visit")
        expect(anybody.locator(".saved")).to_contain_text("Booked: ")
        assert (hands.activations, hands.typed) == (2, 0)


def test_a_patient_is_found_in_four_keys(anybody, dora, rosa):
    with signed_in_page(anybody, rosa):
        anybody.goto("/staff/patients/")
        Keyboard(anybody).type("Name or record number", "dora")
        anybody.keyboard.press("Enter")
        expect(anybody.get_by_role("link", name="Dora Example")).to_be_visible()


def test_a_patient_is_added(anybody, harbor, rosa):
    with signed_in_page(anybody, rosa):
        anybody.goto("/staff/patients/add/")
        hands = Keyboard(anybody)
        answers = {"First name": "Dora", "Last name": "Díaz", "Month": "March", "Day": "27"}
        answers |= {"Year": "1982", "Record number": "D-1", "Email address": "dora@example.org"}
        for name, words in answers.items():
            hands.type(name, words)
        hands.press("Save patient")
        expect(anybody.locator(".saved")).to_contain_text("Saved. Dora is now a patient")


def test_why_this_date_opens_by_keyboard(anybody, dora):
    with signed_in_page(anybody, dora.user):
        anybody.goto("/home/")
        Keyboard(anybody).press("Why this date?")
        expect(anybody.get_by_text("Infusions are planned 6 months apart.")).to_be_visible()


def test_the_glance_needs_no_scrolling_on_a_phone(page, dora):
    with signed_in_page(page, dora.user):
        page.goto("/home/")
        for part in (".status", ".big-date", ".when", ".card .btn-primary"):
            box = page.locator(part).first.bounding_box()
            assert box, part
            assert box["y"] + box["height"] <= 720, part
