"""The pages about mails that staff use: axe, sizes, no sideways scroll, and without a script."""

import datetime as dt
import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from reminders import policies, policy_rules
from reminders.models import DeadAddress, Policy, Reminder, State
from schedules.models import Patient
from tests.cast import days, make_patient

from .conftest import assert_accessible_in_two_looks, assert_targets
from .signing_in import signed_in_page

POLICY = "/staff/mail-policy/"


@pytest.fixture
def patient(harbor, rosa) -> Patient:
    """To whom one mail went, and another did not get through; nothing was sent for days."""
    now = timezone.now()
    person = make_patient(harbor, rosa, "Dora", now=now - days(30))
    about = {
        "course": person.course, "patient": person, "next_at": now - days(2), "not_after": now,
        "due_on": harbor.local_date(now) + days(60),
    }  # fmt: skip
    Reminder.objects.create(
        kind="book-1", state=State.DELIVERED, accepted_at=now - days(2), delivered_at=now,
        subject="Time to book your clinic visit", body_text="Dear Dora,\n\nIt is time.", **about,
    )  # fmt: skip
    Reminder.objects.create(kind="book-2", state=State.BOUNCED, bounced_at=now, **about)
    DeadAddress.objects.create(patient=person, email=person.email, found_at=now)
    return person


def checked(page: Page) -> None:
    """One heading, at most one filled button, and nothing that axe or a finger would miss."""
    expect(page.locator("h1")).to_have_count(1)
    assert page.locator(".btn-primary").count() <= 1
    assert_targets(page, 44)
    assert_accessible_in_two_looks(page)


def a_version(clinic, prescriber, *, opens: int, seen: int = 0) -> None:
    policies.save_policy(
        clinic=clinic, rows=policy_rules.DEFAULT | {"book-1": -opens}, actor=prescriber,
        now=timezone.now() - dt.timedelta(minutes=9 - seen), seen=seen,
    )  # fmt: skip


def test_a_policy_is_changed_without_a_script(page_without_javascript, harbor, priya):
    page = page_without_javascript
    with signed_in_page(page, priya):
        page.goto(POLICY)
        page.get_by_label("Time to book: How many").fill("12")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_label("Time to book: How many")).to_have_value("12")
        page.get_by_role("button", name="Check and save").click()
        expect(page.get_by_text("This changes 0 people.")).to_be_visible()
        page.get_by_role("button", name="Save and start tomorrow").click()
        expect(page.get_by_text("Saved. It starts tomorrow.")).to_be_visible()
    assert Policy.objects.get().rows["book-1"] == -84


def test_the_policy_in_its_states(page, harbor, priya):
    a_version(harbor, priya, opens=84)
    a_version(harbor, priya, opens=77, seen=1)
    with signed_in_page(page, priya):
        page.goto(POLICY)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        checked(page)
        page.get_by_role("link", name="Restore version 1").click()
        expect(page.get_by_text("These are the rows of version 1.")).to_be_visible()
        page.get_by_role("button", name="Check and save").click()
        checked(page)
        page.get_by_role("button", name="Back").click()
        page.get_by_label("Please book: How many").fill("20")
        page.get_by_role("button", name="Check and save").click()
        expect(page).to_have_title(re.compile("^Error: "))
        checked(page)


def test_the_policy_to_read(page, harbor, rosa):
    with signed_in_page(page, rosa):
        page.goto(POLICY)
        expect(page.get_by_label("Time to book: How many")).to_be_disabled()
        checked(page)


def test_a_patients_mails_and_the_notice_that_nothing_is_sent(page, patient, rosa):
    with signed_in_page(page, rosa):
        page.goto("/staff/?list=check")
        expect(page.get_by_role("heading", name="Reminders are not being sent")).to_be_visible()
        checked(page)
        page.get_by_role("link", name="Review Dora Example").click()
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        checked(page)
        page.get_by_role("link", name="Send again Please book").click()
        checked(page)
        page.get_by_role("button", name="Send again").click()
        checked(page)
