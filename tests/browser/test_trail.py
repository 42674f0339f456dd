"""The audit trail's pages: axe, sizes, no sideways scroll; found and read without JavaScript."""

import datetime as dt
import os

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from ocrevus_tracker.accounts.models import Role
from ocrevus_tracker.audit import bulk_reading, trail
from schedules import actions
from tests.cast import give, make_patient, make_staff

from .conftest import (
    assert_accessible_in_every_look,
    assert_accessible_in_two_looks,
    assert_targets,
    looks,
)
from .signing_in import signed_in_page


@pytest.fixture
def dora(harbor, rosa):
    """Her record was opened, and a dose in it put right."""
    now = timezone.now()
    patient = make_patient(harbor, rosa, "Dora", now=now)
    given_on = harbor.local_date(now) - dt.timedelta(days=90)
    infusion = give(patient.course, rosa, given_on, now=now).infusion
    actions.correct_infusion(
        infusion=infusion, actor=rosa, now=now, revision=0, reason="Typing mistake", dose_mg=300
    )
    for role in ("nurse", "prescriber"):
        trail.record_view(
            at=now,
            actor=rosa,
            role=role,
            clinic=harbor,
            page="staff:patient",
            patient_id=patient.pk,
        )
    return patient


@pytest.fixture
def amy(harbor):
    return make_staff(harbor, "Amy", Role.ADMIN)


def pictures(page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        for look in looks(page):
            page.screenshot(path=f"{folder}/{name}-{look.replace(' ', '-')}.png", full_page=True)


def test_the_trail_is_found_read_and_filtered(page, harbor, amy, rosa, dora):
    trail.record(
        at=timezone.now(),
        actor=rosa,
        clinic=harbor,
        act=bulk_reading.ACT,
        subject=rosa,
        reason="312 records within an hour",
    )
    with signed_in_page(page, amy):
        page.goto("/staff/clinic/")
        page.get_by_role("link", name="Audit").click()
        expect(page.get_by_text("Rosa changed dose from 600 mg to 300 mg.")).to_be_visible()
        expect(page.get_by_role("heading", name="Many records opened")).to_be_visible()
        assert_targets(page, 44)
        assert_accessible_in_two_looks(page)
        pictures(page, "trail")
        page.get_by_text("Look for something").click()
        assert_accessible_in_two_looks(page)
        assert_targets(page, 44)
        pictures(page, "trail-filter")
        page.get_by_label("What").select_option(label="Exports")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("No changes in these dates.")).to_be_visible()
        assert_accessible_in_two_looks(page)


def test_patients_see_who_has_looked(page_without_javascript, page, dora):
    with signed_in_page(page_without_javascript, dora.user):
        page_without_javascript.goto("/home/")
        page_without_javascript.get_by_role("link", name="Who has looked at my record").click()
        expect(page_without_javascript.get_by_text("A nurse")).to_be_visible()
        assert "Rosa" not in page_without_javascript.content()
    with signed_in_page(page, dora.user):
        page.goto("/my/record/looked/")
        assert_targets(page, 44)
        assert_accessible_in_every_look(page)
        pictures(page, "looked")
