"""The pages about mail in a real browser: accessible in every look, and whole without a script."""

import re

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import expect

from reminders import helpers
from reminders.links import invitation_path, stop_path
from reminders.models import DeadAddress, Helper, Preference, Reminder, State, Topic
from schedules.models import Patient
from tests.cast import days, make_patient

from .signing_in import signed_in_page
from .test_pages_axe import LONG, PATIENT_TARGET, checked, patient, today  # noqa: F401 - fixtures


@pytest.fixture
def hal(patient) -> Helper:  # noqa: F811 - a fixture
    return helpers.invite_helper(
        patient=patient,
        name=f"Hal {LONG}",
        email=f"{LONG.lower()}@example.org",
        can="tell",
        actor=patient.user,
        now=timezone.now(),
    ).helper


def stop_link(patient, helper: Helper | None = None) -> str:  # noqa: F811 - a fixture's name
    recipient = helper.recipient if helper else "patient"
    path = stop_path(Reminder(patient=patient, kind="book-1", recipient=recipient))
    assert path
    return path


@pytest.fixture(params=["en", "es"])
def language(request, patient) -> str:  # noqa: F811 - a fixture
    Patient.objects.filter(pk=patient.pk).update(language=request.param)
    return request.param


def test_stopping_by_a_link(page, patient, hal, language):  # noqa: F811 - fixtures
    page.goto(stop_link(patient))
    expect(page.locator("html")).to_have_attribute("lang", language)
    checked(page, PATIENT_TARGET)
    page.locator("input[value=all]").check()
    page.locator(".btn-primary").click()
    expect(page.locator(".saved")).to_be_focused()
    checked(page, PATIENT_TARGET)
    page.goto(stop_link(patient, hal))
    page.locator("input[value=all]").check()
    page.locator(".btn-primary").click()
    expect(page.locator("form")).to_have_count(0)
    checked(page, PATIENT_TARGET)


def test_an_invitation_open_used_and_ended(page, patient, hal, language):  # noqa: F811 - fixtures
    path = invitation_path(hal)
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("lang", language)
    checked(page, PATIENT_TARGET)
    page.locator(".btn-primary").click()
    checked(page, PATIENT_TARGET)
    Helper.objects.update(removed_at=timezone.now())
    page.goto(path)
    checked(page, PATIENT_TARGET)
    Helper.objects.update(accepted_at=None, removed_at=None, invited_at=timezone.now() - days(20))
    page.goto(path)
    checked(page, PATIENT_TARGET)


def test_what_to_get_and_who_helps(page, patient, hal, language):  # noqa: F811 - fixtures
    now = timezone.now()
    cache.clear()
    Preference.objects.create(patient=patient, changed_at=now, stops_visit=True)
    DeadAddress.objects.create(patient=patient, email=patient.email, found_at=now)
    DeadAddress.objects.create(patient=patient, helper=hal, email=hal.email, found_at=now)
    with signed_in_page(page, patient.user):
        page.goto("/my/emails/")
        expect(page.locator("html")).to_have_attribute("lang", language)
        checked(page, PATIENT_TARGET)
        page.locator(".btn-primary").click()
        expect(page.locator(".saved")).to_be_focused()
        checked(page, PATIENT_TARGET)
        page.goto("/my/people/")
        checked(page, PATIENT_TARGET)
        page.locator("form[action*='/remove/'] .btn").first.click()
        checked(page, PATIENT_TARGET)


def test_adding_a_person_with_every_error(page, patient, language):  # noqa: F811 - fixtures
    with signed_in_page(page, patient.user):
        page.goto("/my/people/add/")
        checked(page, PATIENT_TARGET)
        page.get_by_role("textbox").last.fill("x")
        page.locator(".btn-primary").click()
        expect(page).to_have_title(re.compile("^Error: "))
        checked(page, PATIENT_TARGET)


def test_what_was_sent_and_what_comes_next(page, patient, language):  # noqa: F811 - fixtures
    now = timezone.now()
    with signed_in_page(page, patient.user):
        page.goto("/my/emails/sent/")
        checked(page, PATIENT_TARGET)
        states = (State.ACCEPTED, State.BOUNCED, State.DELIVERED, State.ON_WIRE)
        for number, state in enumerate(states):
            Reminder.objects.create(
                patient=patient,
                course=patient.course,
                kind="book-1",
                due_on=now.date() + days(number),
                next_at=now,
                not_after=now,
                dated_at=now,
                state=state,
                subject="Time to book your clinic visit",
                body_text=f"Dear Dora,\n\nhttps://example.org/{LONG * 3}",
            )
        page.reload()
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        checked(page, PATIENT_TARGET)
        page.locator("form.actions .btn").first.click()
        expect(page.locator(".saved")).to_be_focused()
        checked(page, PATIENT_TARGET)


def test_a_couple_chooses_whose_emails(page, patient, harbor, rosa):  # noqa: F811 - fixtures
    make_patient(harbor, rosa, "Abe", email=patient.email, now=timezone.now())
    with signed_in_page(page, patient.user):
        page.goto("/my/emails/")
        checked(page, PATIENT_TARGET)


def test_all_of_it_without_a_script(page_without_javascript, patient):  # noqa: F811 - a fixture
    """Choose, invite, say yes, stop one topic, stop the copies."""
    page = page_without_javascript
    with signed_in_page(page, patient.user):
        page.goto("/home/")
        page.get_by_role("link", name="Emails").click()
        page.get_by_label("Only when I need to do something").check()
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".saved")).to_contain_text("Saved. Your next email will be on or after")
        page.get_by_role("link", name="People who help me").click()
        page.get_by_role("link", name="Add a person").click()
        page.get_by_label("Name").fill("Hal")
        page.get_by_label("Email address").fill("hal@example.org")
        page.get_by_label("See my dates and get my reminders").check()
        page.get_by_role("button", name="Send invite").click()
        expect(page.get_by_text("Waiting for an answer.")).to_be_visible()
        page.goto("/my/emails/sent/")
        page.get_by_role("button", name="Stop these Reminders to book a visit").click()
        expect(page.get_by_text("No email is planned now.")).to_be_visible()
    helper = Helper.objects.get()
    page.goto(invitation_path(helper))
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name="You can see Dora's dates")).to_be_visible()
    page.goto(stop_link(patient, helper))
    page.get_by_label("Stop all emails").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Done. We will not send you any more copies.")).to_be_visible()
    chosen = Preference.objects.get()
    assert (chosen.only_needed, chosen.stopped_topics) == (True, [Topic.BOOKING])
    helper.refresh_from_db()
    assert (helper.gets_copies, helper.removed_at) == (False, None)
