"""The packet for the next clinic is one sheet of paper, after many years too."""

import re

import pytest
from dateutil.relativedelta import relativedelta
from django.utils import timezone
from playwright.sync_api import expect

from tests.cast import days, give, make_patient

from .signing_in import signed_in_page

DOSES = 17  # eight years


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_eight_years_fit_on_one_page(page, harbor, rosa, paper):
    today = harbor.local_date(timezone.now())
    patient = make_patient(harbor, rosa, "Ben", now=timezone.now())
    for number in range(DOSES):
        day = today - relativedelta(months=6 * (DOSES - number))
        give(patient.course, rosa, day, lot=f"AB{number:04}", reaction="mild")
    give(patient.course, rosa, today - days(2), lot="AB9999")
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{patient.pk}/packet/")
        expect(page.get_by_role("row")).to_have_count(DOSES + 2)  # the head as well
        pdf = page.pdf(format=paper)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
