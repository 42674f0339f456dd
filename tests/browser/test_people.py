"""The pages about who gets in: invitations' links, helpers, colleagues, the clinic's switch."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from ocrevus_tracker.accounts.models import Membership, Role, User
from reminders import helpers
from reminders.links import invitation_path
from reminders.models import Helper
from schedules import actions
from schedules.models import Patient
from tests.cast import make_staff

from .signing_in import signed_in_page
from .test_pages_axe import (  # noqa: F401 - fixtures
    LONG,
    PATIENT_TARGET,
    STAFF_TARGET,
    checked,
    patient,
    today,
)


@pytest.fixture
def ada(harbor) -> User:
    return make_staff(harbor, "Ada", Role.ADMIN)


@pytest.fixture
def hal(patient) -> Helper:  # noqa: F811 - a fixture
    asked = {"name": f"Hal {LONG}", "email": f"{LONG.lower()}@example.org", "can": "tell"}
    return helpers.invite_helper(
        patient=patient, actor=patient.user, now=timezone.now(), **asked
    ).helper


def claim_link(patient: Patient, nurse: User) -> str:  # noqa: F811 - a fixture's name
    sent = actions.invite_patient(patient=patient, actor=nurse, now=timezone.now())
    return reverse("patient:claim", args=[sent.token])


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_behind_a_patients_link(page, patient, rosa, language):  # noqa: F811 - fixtures
    Patient.objects.update(language=language)
    page.goto(claim_link(patient, rosa))
    expect(page.locator("html")).to_have_attribute("lang", language)
    checked(page, PATIENT_TARGET)
    page.locator(".btn-primary").click()
    expect(page).to_have_title(re.compile("^Error: "))
    checked(page, PATIENT_TARGET)
    actions.withdraw_invitation(patient=patient, actor=rosa, now=timezone.now())
    page.reload()
    checked(page, PATIENT_TARGET)


def test_a_helper_says_yes_and_sees_whose_dates_these_are(page, hal):
    page.goto(invitation_path(hal))
    checked(page, PATIENT_TARGET)
    page.get_by_role("button", name="Yes").click()
    checked(page, PATIENT_TARGET)
    hal.refresh_from_db()
    with signed_in_page(page, hal.grant.user):
        page.goto("/home/")
        expect(page.locator(".band")).to_have_text("You are looking at Dora's dates.")
        checked(page, PATIENT_TARGET)


def test_a_patient_lets_somebody_help_and_undoes_a_slip(page, hal, patient):  # noqa: F811 - fixtures
    with signed_in_page(page, patient.user):
        page.goto("/my/people/")
        checked(page, PATIENT_TARGET)
        page.get_by_role("button", name="Remove").press("Enter")
        expect(page.get_by_text("can no longer see your dates")).to_be_visible()
        checked(page, PATIENT_TARGET)
        page.get_by_role("button", name="Undo").press("Enter")
        expect(page.locator(".saved")).to_contain_text("is back on the list.")


def test_staff_see_who_sees_a_record(page, hal, patient, rosa):  # noqa: F811 - fixtures
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{patient.pk}/online/")
        checked(page, STAFF_TARGET)
        page.get_by_role("button", name="Send an invitation").click()
        expect(page.locator(".saved")).to_contain_text("An invitation goes to dora@example.org")
        checked(page, STAFF_TARGET)
        page.goto(f"/staff/patients/{patient.pk}/helpers/")
        checked(page, STAFF_TARGET)
        page.get_by_role("button", name="Send invite").click()
        expect(page.get_by_text("Write why this person is added").first).to_be_visible()
        checked(page, STAFF_TARGET)


def test_an_admin_invites_changes_and_removes(page, ada, rosa):
    member = Membership.objects.get(user=rosa).pk
    with signed_in_page(page, ada):
        page.goto("/staff/people/invite/")
        checked(page, STAFF_TARGET)
        page.get_by_label("Email address").fill("nia@example.org")
        page.get_by_label("Coordinator: ").check()
        page.get_by_role("button", name="Send invitation").click()
        expect(page.get_by_text("nia@example.org").last).to_be_visible()
        checked(page, STAFF_TARGET)
        for path in (f"{member}/role/", f"{member}/remove/", "codes/"):
            page.goto(f"/staff/people/{path}")
            checked(page, STAFF_TARGET)


def test_a_colleague_opens_an_account(page, harbor, ada):
    facts = {"email": "nia@example.org", "role": Role.NURSE, "now": timezone.now()}
    sent = actions.invite_staff(clinic=harbor, actor=ada, **facts)
    page.goto(reverse("staff:join", args=[sent.token]))
    checked(page, STAFF_TARGET)
    page.get_by_label("Your name").fill("Nia New")
    for label in ("Choose a password", "The password again"):
        page.get_by_label(label).fill("a made-up passphrase")
    page.get_by_role("button", name="Open my account").click()
    expect(page.get_by_text("Done. Now sign in with your new password.")).to_be_visible()
    page.goto(reverse("staff:join", args=[sent.token]))
    checked(page, STAFF_TARGET)


def test_switching_the_clinic_without_a_script(page_without_javascript, hill, rosa):
    page: Page = page_without_javascript
    Membership.objects.create(user=rosa, clinic=hill, role=Role.COORDINATOR)
    with signed_in_page(page, rosa):
        page.goto("/staff/")
        expect(page.locator(".where strong")).to_have_text("Harbor Clinic")
        page.get_by_text("Switch clinic").click()
        page.get_by_role("button", name="Hill Clinic").click()
        expect(page.locator(".where strong")).to_have_text("Hill Clinic")
