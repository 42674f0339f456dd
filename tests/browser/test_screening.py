"""The pages about checks: no axe violation, nothing too small, nothing too wide."""

from django.utils import timezone
from playwright.sync_api import expect

from tests.cast import days, make_patient
from tests.schedules.test_screening import answer

from .signing_in import signed_in_page
from .test_pages_axe import STAFF_TARGET, checked


def test_checks_and_what_they_keep_from_being_booked(page, harbor, rosa):
    now = timezone.now()
    patient = make_patient(harbor, rosa, now=now)
    today = harbor.local_date(now)
    answer(patient, rosa, "liver", now=now, finding="not-clear", note="ALT 5 times the limit")
    answer(patient, rosa, "authorization", now=now, days_ago=9, expires_on=today - days(1))
    here = f"/staff/patients/{patient.pk}"
    with signed_in_page(page, rosa):
        page.goto(f"{here}/")
        checked(page, STAFF_TARGET)
        page.goto(f"{here}/screening/liver/")
        checked(page, STAFF_TARGET)
        page.goto(f"{here}/book/")
        day = today + days(30)
        for label, part in (("Month", day.month), ("Day", day.day), ("Year", day.year)):
            page.get_by_label(label, exact=True).fill(str(part))
        page.get_by_role("button", name="Book visit").click()
        expect(page.get_by_role("heading", name="Not ready yet")).to_be_visible()
        checked(page, STAFF_TARGET)
        page.get_by_role("button", name="Book anyway").click()
        expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        page.get_by_label("Book anyway, because…").fill("The results are on paper")
        page.get_by_role("button", name="Book anyway").click()
        expect(page.get_by_role("status")).to_contain_text("Booked:")
