"""Which answers stop a nurse, which are asked about, and which are only noted (ux 2.11)."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dateutil.relativedelta import relativedelta
from django.utils import timezone
from playwright.sync_api import Page, expect

from schedules import actions
from schedules.models import Course, StopReason
from tests.cast import days, give, make_patient

from .signing_in import signed_in_page

STOP, ASK, NOTE, CHOOSE = "There is a problem", "Is this right?", "Saved.", "There is a problem"

SIX_MONTHS = relativedelta(months=6)


@dataclass(frozen=True)
class Case:
    """`since` the last infusion; what happened else; what is answered; what the page says."""

    answer: Callable[[Page, dt.date], Any]
    tier: str
    words: str
    since: relativedelta | None = SIX_MONTHS
    dose_mg: int = 600
    before: Callable[[Course, Any, dt.date], Any] = lambda *_facts: None


def nothing(page: Page, today: dt.date) -> None:
    """Every default is left as it is."""


def tomorrow(page: Page, today: dt.date) -> None:
    day = today + days(1)
    page.get_by_label("Another date").check()
    for label, part in (("Month", day.month), ("Day", day.day), ("Year", day.year)):
        page.get_by_label(label, exact=True).fill(str(part))


def choose(label: str) -> Callable[[Page, dt.date], None]:
    return lambda page, _today: page.get_by_label(label, exact=True).check()


def stopped(course: Course, nurse, today: dt.date) -> None:
    now = timezone.now()
    actions.stop_course(
        course=course, actor=nurse, now=now, stopped_on=today, reason=StopReason.PATIENT
    )


def held(course: Course, nurse, today: dt.date) -> None:
    facts = {"reason": "infection", "starts_on": today - days(2)}
    actions.start_hold(course=course, actor=nurse, now=timezone.now(), **facts)


TABLE = {
    "future": Case(tomorrow, STOP, "The date given must be today or in the past"),
    "same day": Case(nothing, STOP, "An infusion is already recorded for", since=relativedelta()),
    "stopped": Case(nothing, STOP, "Infusions are stopped for Dora.", before=stopped),
    "too soon": Case(
        nothing,
        ASK,
        "This is 4 months and 2 days after the last infusion",
        since=relativedelta(months=4, days=2),
    ),
    "dose": Case(choose("300 mg"), ASK, "The plan says 600 mg. You chose 300 mg."),
    "long gap": Case(
        nothing,
        ASK,
        "It has been 11 months since the last infusion. Has the prescriber agreed the plan?",
        since=relativedelta(months=11),
    ),
    "infection": Case(nothing, ASK, "possible infection. Has it cleared?", before=held),
    "hepatitis B": Case(
        nothing,
        ASK,
        "No hepatitis B result on file. It is needed before the first infusion.",
        since=None,
    ),
    "life-threatening": Case(
        choose("Life-threatening"), ASK, "Treatment stops for good. All reminders are cancelled."
    ),
    "visit 2": Case(
        nothing,
        NOTE,
        "Visit 2 is 21 days after visit 1. The plan is about 14.",
        since=relativedelta(days=21),
        dose_mg=300,
    ),
    "stopped early": Case(choose("Stopped early"), CHOOSE, "Choose what counts next"),
    "not given": Case(choose("Not given"), CHOOSE, "Choose why it was not given"),
}


def test_the_table_of_checks_before_an_infusion_is_saved(page, harbor, rosa):
    today = harbor.local_date(timezone.now())
    addresses = {}
    for name, case in TABLE.items():
        patient = make_patient(harbor, rosa, "Dora", now=timezone.now())
        if case.since is not None:
            give(patient.course, rosa, today - case.since, case.dose_mg, now=timezone.now())
        case.before(patient.course, rosa, today)
        addresses[name] = f"/staff/patients/{patient.pk}/record/"
    with signed_in_page(page, rosa):
        for name, case in TABLE.items():
            page.goto(addresses[name])
            case.answer(page, today)
            page.get_by_label("I checked name and date of birth").check()
            page.get_by_role("button", name="Save infusion").click()
            expect(page.get_by_text(case.tier).first, name).to_be_visible()
            expect(page.get_by_text(case.words).first, name).to_be_visible()
            fix = page.locator(".btn-primary[name=fix]")
            expect(fix, name).to_have_count(1 if case.tier == ASK else 0)
