"""Corrections in a real browser: two people at one record, a double tap, and how it looks."""

import datetime as dt
from collections.abc import Iterator

import pytest
from dateutil.relativedelta import relativedelta
from django.utils import timezone
from playwright.sync_api import Page, expect

from schedules import actions
from schedules.models import Correction, Infusion
from tests.cast import give, make_patient

from .conftest import (
    assert_accessible_in_two_looks,
    assert_no_axe_violations,
    assert_no_sideways_scroll,
    assert_targets,
)
from .signing_in import signed_in_page


@pytest.fixture
def infusion(harbor, rosa) -> Infusion:
    """600 mg six months ago, recorded on that day."""
    now = timezone.now()
    patient = make_patient(harbor, rosa, "Dora", now=now)
    day = harbor.local_date(now) - relativedelta(months=6)
    return give(patient.course, rosa, day).infusion


@pytest.fixture
def mine(page, rosa) -> Iterator[Page]:
    with signed_in_page(page, rosa):
        yield page


@pytest.fixture
def theirs(visitors, priya) -> Iterator[Page]:
    with visitors.one() as page, signed_in_page(page, priya):
        yield page


def address(infusion: Infusion, name: str = "correct") -> str:
    return f"/staff/patients/{infusion.course.patient_id}/infusions/{infusion.pk}/{name}/"


def change(page: Page, dose: str) -> None:
    """Fill in another dose and the reason, and go on to the check page."""
    page.get_by_label(dose).check()
    page.get_by_label("Typing mistake").check()
    page.get_by_role("button", name="Check the change").click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save correction").dblclick()


def test_the_second_of_two_people_sees_the_firsts_version(mine, theirs, infusion):
    mine.goto(address(infusion))
    theirs.goto(address(infusion))
    change(theirs, "300 mg")
    save(theirs)
    # Of a double tap either answer may be the one that is shown.
    expect(theirs.locator(".saved")).to_contain_text("saved", ignore_case=True)

    mine.get_by_label("Lot").fill("AB1234")
    mine.get_by_label("Typing mistake").check()
    mine.get_by_role("button", name="Check the change").click()
    expect(mine.locator(".error-summary")).to_contain_text("Priya changed this at")
    expect(mine.get_by_role("cell", name="300 mg")).to_be_visible()
    expect(mine.get_by_label("Lot")).to_have_value("AB1234")

    change(mine, "300 mg")
    save(mine)
    expect(mine.locator(".saved")).to_be_visible()
    infusion.refresh_from_db()
    assert (infusion.dose_mg, infusion.lot) == (300, "AB1234")
    # A double tap on "Save correction", twice, and yet:
    assert Correction.objects.count() == 2


def test_undo_of_what_somebody_corrected_is_refused(mine, harbor, rosa, priya):
    now = timezone.now()
    patient = make_patient(harbor, rosa, "Dora", now=now)
    recorded = give(patient.course, rosa, harbor.local_date(now), now=now)
    mine.goto(f"/staff/patients/{patient.pk}/")
    facts = {"now": now + dt.timedelta(seconds=1), "revision": 0, "reason": "Typing mistake"}
    actions.correct_infusion(infusion=recorded.infusion, actor=priya, dose_mg=300, **facts)
    mine.get_by_role("button", name="Undo").click()
    expect(mine.get_by_text("What was changed since is corrected instead.")).to_be_visible()
    assert Infusion.objects.get().voided_at is None


def test_every_page_of_a_correction_narrow_and_wide(mine, infusion, priya):
    mine.goto(address(infusion))
    change(mine, "300 mg")
    expect(mine.get_by_role("heading", name="Check the change")).to_be_visible()
    checked(mine)
    facts = {"now": timezone.now(), "revision": 0, "reason": "Typing mistake", "lot": "AB1"}
    actions.correct_infusion(infusion=infusion, actor=priya, **facts)
    mine.get_by_role("button", name="Save correction").click()
    expect(mine.get_by_role("heading", name="What differs")).to_be_visible()
    mine.get_by_text("More details").click()
    checked(mine)  # the form itself is below the two versions
    mine.goto(address(infusion, "void"))
    checked(mine)
    mine.goto(f"/staff/patients/{infusion.course.patient_id}/")
    mine.get_by_text("Corrected", exact=True).click()
    assert_targets(mine, 44)
    assert_no_axe_violations(mine)
    assert_no_sideways_scroll(mine)


def checked(page: Page) -> None:
    assert page.locator(".btn-primary").count() == 1
    assert_targets(page, 44)
    assert_accessible_in_two_looks(page)
