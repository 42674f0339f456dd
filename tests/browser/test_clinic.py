"""The clinic's page and its forms, and booking on a closed day: axe, sizes, no sideways scroll."""

import datetime as dt

from dateutil.relativedelta import relativedelta
from django.utils import timezone
from playwright.sync_api import expect

from schedules import actions
from schedules.models import Closure
from tests.cast import book, give, make_patient

from .conftest import (
    assert_accessible_in_two_looks,
    assert_no_axe_violations,
    assert_no_sideways_scroll,
    assert_targets,
)
from .signing_in import signed_in_page


def closed_on(clinic, prescriber, day: dt.date) -> Closure:
    return actions.add_closure(
        clinic=clinic,
        actor=prescriber,
        now=timezone.now(),
        first_day=day,
        last_day=day,
        title="Staff training",
    )


def test_the_clinics_page_and_a_visit_on_a_closed_day(page, harbor, rosa, priya):
    now = timezone.now()
    patient = make_patient(harbor, rosa, "Dora", now=now)
    give(patient.course, rosa, harbor.local_date(now) - relativedelta(months=5))
    due = patient.course.next_due_on
    book(patient.course, rosa, due, now=now)
    closed_on(harbor, priya, due)
    with signed_in_page(page, priya):
        page.goto("/staff/clinic/")
        expect(page.get_by_role("heading", name="1 visit lies on a closed day")).to_be_visible()
        expect(page.locator(".btn-primary")).to_have_count(1)
        assert_targets(page, 44)
        assert_accessible_in_two_looks(page)
        for path in ("change", "checks", "closures/add"):
            page.goto(f"/staff/clinic/{path}/")
            assert_targets(page, 44)
            assert_no_axe_violations(page)
            assert_no_sideways_scroll(page)
        page.goto(f"/staff/patients/{patient.pk}/book/")
        expect(page.get_by_text("open day is offered")).to_be_visible()
        assert_accessible_in_two_looks(page)
        page.get_by_label("Month").fill(str(due.month))
        page.get_by_label("Day", exact=True).fill(str(due.day))
        page.get_by_label("Year").fill(str(due.year))
        page.get_by_role("button", name="Book visit").click()
        expect(page.get_by_text(": Staff training.")).to_be_visible()
        assert_accessible_in_two_looks(page)
