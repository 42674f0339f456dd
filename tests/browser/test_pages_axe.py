"""Every page of patients and staff: no axe violation, nothing too small, nothing too wide."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from dateutil.relativedelta import relativedelta
from django.utils import timezone
from playwright.sync_api import Page, expect

from schedules import actions, worklists
from schedules.models import Appointment, Course, Infusion, Patient, StopReason
from tests.cast import book, days, give, make_patient

from .conftest import (
    assert_accessible_in_every_look,
    assert_accessible_in_two_looks,
    assert_targets,
)
from .signing_in import signed_in_page

PATIENT_TARGET, STAFF_TARGET = 48, 44  # CSS pixels
LONG = "Wolfeschlegelsteinhausenbergerdorff"


@pytest.fixture
def today(harbor) -> dt.date:
    return harbor.local_date(timezone.now())


@pytest.fixture
def patient(harbor, rosa, today) -> Patient:
    """With a name that has to wrap; an infusion 6 months ago and one that was undone."""
    now = timezone.now()
    person = make_patient(harbor, rosa, "Dora", family_name=LONG, now=now)
    give(person.course, rosa, today - relativedelta(months=6), lot="AB1234", note="Slept well")
    wrong = give(person.course, rosa, today - days(3), now=now)
    actions.undo_infusion(infusion=wrong.infusion, actor=rosa, now=now)
    return person


def checked(page: Page, minimum: int) -> None:
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator(".btn-primary")).to_have_count(min(1, page.locator(".btn-primary").count()))
    assert_targets(page, minimum)
    if minimum == PATIENT_TARGET:
        assert_accessible_in_every_look(page)
    else:
        assert_accessible_in_two_looks(page)


def nothing(course: Course, nurse, today: dt.date) -> None:
    """As the patient is: due today, nothing booked."""


def booked(ahead: int) -> Callable[..., None]:
    def prepare(course: Course, nurse, today: dt.date) -> None:
        book(course, nurse, today + days(ahead), now=timezone.now())

    return prepare


def gap(**since) -> Callable[..., None]:
    """The last infusion that long ago."""

    def prepare(course: Course, nurse, today: dt.date) -> None:
        course.infusions.all().delete()
        give(course, nurse, today - relativedelta(**since))

    return prepare


def stopped(course: Course, nurse, today: dt.date) -> None:
    now = timezone.now()
    actions.stop_course(
        course=course, actor=nurse, now=now, stopped_on=today, reason=StopReason.MOVED
    )


def undecided(course: Course, nurse, today: dt.date) -> None:
    give(course, nurse, today, 250, now=timezone.now(), outcome="partial")


STATES = {
    "H": nothing,
    "F": booked(10),
    "G": booked(1),
    "D": gap(months=1),
    "E": gap(months=4, days=20),
    "I": gap(months=7),
    "N": stopped,
    "O": undecided,
}


@pytest.mark.parametrize("letter", STATES)
def test_home_in_each_state(page, patient, rosa, today, letter):
    STATES[letter](patient.course, rosa, today)
    with signed_in_page(page, patient.user):
        page.goto("/home/")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        checked(page, PATIENT_TARGET)


def test_home_of_new_people(page, harbor, rosa):
    with signed_in_page(page, make_patient(harbor, rosa, "Abe", now=timezone.now()).user):
        page.goto("/home/")
        checked(page, PATIENT_TARGET)


def test_the_choice_of_a_couple_and_nobody(page, patient, harbor, rosa, mallory):
    make_patient(harbor, rosa, "Abe", email=patient.email, now=timezone.now())
    with signed_in_page(page, patient.user):
        page.goto("/home/")
        checked(page, PATIENT_TARGET)
    with signed_in_page(page, mallory):
        page.goto("/home/")
        checked(page, PATIENT_TARGET)


@pytest.fixture
def _short_pages(monkeypatch):
    monkeypatch.setattr(worklists, "ROWS_PER_PAGE", 3)


@pytest.mark.usefixtures("_short_pages")
@pytest.mark.parametrize("name", ["today", "late", "due", "screening", "check"])
def test_the_work_lists_empty_and_full(page, harbor, rosa, today, name):
    with signed_in_page(page, rosa):
        page.goto(f"/staff/?list={name}")
        checked(page, STAFF_TARGET)
        for number in range(4):
            course = make_patient(harbor, rosa, f"P{number}", now=timezone.now()).course
            give(course, rosa, today - days({"late": 200, "due": 150}.get(name, 180)))
            if name in {"today", "check"}:
                day = today if name == "today" else today - days(1)
                book(course, rosa, day, now=timezone.now() - days(3))
        page.reload()
        expect(page.get_by_text("Page 1 of 2")).to_be_visible()
        checked(page, STAFF_TARGET)


@pytest.mark.parametrize(
    "path",
    [
        "/staff/patients/",
        "/staff/patients/?q=lopes",
        "/staff/patients/?q=" + "a" * 101,
        "/staff/patients/add/",
        "/staff/patients/{pk}/change/",
        "/staff/patients/{pk}/as-patient/",
        "/staff/patients/{pk}/record/",
        "/staff/patients/{pk}/elsewhere/",
        "/staff/patients/{pk}/book/",
    ],
)
def test_staff_pages(page, patient, rosa, path):
    with signed_in_page(page, rosa):
        page.goto(path.format(pk=patient.pk))
        checked(page, PATIENT_TARGET if "as-patient" in path else STAFF_TARGET)


@pytest.mark.parametrize("letter", ["F", "H", "N", "O"])
def test_the_patient_page_in_its_states(page, patient, rosa, today, letter):
    STATES[letter](patient.course, rosa, today)
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{patient.pk}/")
        checked(page, STAFF_TARGET)


def test_visits_and_decisions(page, patient, rosa, today):
    book(patient.course, rosa, today + days(200), now=timezone.now())
    undecided(patient.course, rosa, today)
    here = f"/staff/patients/{patient.pk}"
    visit, infusion = Appointment.objects.get().pk, Infusion.objects.latest("pk").pk
    with signed_in_page(page, rosa):
        for path in (
            f"visits/{visit}/move",
            f"visits/{visit}/cancel",
            f"infusions/{infusion}/decide",
        ):
            page.goto(f"{here}/{path}/")
            checked(page, STAFF_TARGET)
        page.get_by_role("button", name="Save decision").click()
        checked(page, STAFF_TARGET)


@pytest.mark.parametrize(
    ("path", "button"),
    [("add/", "Save patient"), ("{pk}/record/", "Save infusion"), ("{pk}/book/", "Book visit")],
)
def test_forms_with_every_error_shown(page, patient, rosa, path, button):
    with signed_in_page(page, rosa):
        page.goto("/staff/patients/" + path.format(pk=patient.pk))
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        for box in page.locator("input[type=text], input[type=email], textarea").all():
            box.fill("x" * 30)
        if page.get_by_label("Stopped early", exact=True).count():
            page.get_by_label("Stopped early", exact=True).check()
        page.get_by_role("button", name=button).click()
        expect(page).to_have_title(re.compile("^Error: "))
        checked(page, STAFF_TARGET)


def test_the_questions_before_saving(page, patient, rosa):
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{patient.pk}/record/")
        page.get_by_label("300 mg").check()
        page.get_by_label("I checked name and date of birth").check()
        page.get_by_role("button", name="Save infusion").click()
        checked(page, STAFF_TARGET)
        page.get_by_role("button", name="It is right: save infusion").click()
        checked(page, STAFF_TARGET)


def test_the_questions_before_booking(page, patient, rosa, today):
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{patient.pk}/book/")
        page.get_by_label("Year").fill(str(today.year + 1))
        page.get_by_label("Day").fill("3")
        page.get_by_role("button", name="Book visit").click()
        expect(page.get_by_role("heading", name="Is this right?")).to_be_visible()
        checked(page, STAFF_TARGET)


def test_the_turns_of_a_course(page, patient, harbor, priya, today):
    """Before and after the end; a lapse; what the questions look like."""
    here = f"/staff/patients/{patient.pk}"
    book(patient.course, priya, today + days(10), now=timezone.now())
    lapsed = make_patient(harbor, priya, "Lia", now=timezone.now())
    give(lapsed.course, priya, today - relativedelta(months=14))
    with signed_in_page(page, priya):
        page.goto(f"/staff/patients/{lapsed.pk}/restart/")
        checked(page, STAFF_TARGET)
        for path in ("previous", "switch"):
            page.goto(f"{here}/{path}/")
            checked(page, STAFF_TARGET)
        page.goto(f"{here}/stop/")
        page.get_by_role("button", name="Check what follows").click()
        expect(page).to_have_title(re.compile("^Error: "))
        checked(page, STAFF_TARGET)
        page.get_by_label("Moved to another clinic").check()
        page.get_by_role("button", name="Check what follows").click()
        checked(page, STAFF_TARGET)
        page.get_by_role("button", name="Stop infusions").click()
        expect(page.get_by_role("heading", name="Transfer packet")).to_be_visible()
        checked(page, STAFF_TARGET)
        page.goto(f"{here}/reopen/")
        checked(page, STAFF_TARGET)


def test_a_hold_with_a_visit_inside(page, patient, rosa, today):
    visit = book(patient.course, rosa, today + days(10), now=timezone.now())
    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{patient.pk}/hold/")
        page.get_by_label("Infection", exact=True).check()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("This visit lies inside the hold.")).to_be_visible()
        checked(page, STAFF_TARGET)
        page.goto(f"/staff/patients/{patient.pk}/")
        checked(page, STAFF_TARGET)
    assert visit.course.holds.get().ends_on is None


def test_after_a_reaction_and_with_half_known_history(page, harbor, rosa, priya, today):
    """The short infusion allowed again, what was found out, and the gravest question."""
    now = timezone.now()
    hurt = make_patient(harbor, rosa, "Hugo", now=now)
    give(hurt.course, rosa, today - relativedelta(months=6), reaction="severe")
    moved = make_patient(harbor, rosa, "Yuki", now=now)
    told = actions.Told((today - days(100)).replace(day=1), 600, day_known=False)
    actions.record_elsewhere(course=moved.course, actor=rosa, now=now, doses=[told])
    infusion = Infusion.objects.get(course=moved.course)
    with signed_in_page(page, priya):
        page.goto(f"/staff/patients/{hurt.pk}/allow-short/")
        checked(page, STAFF_TARGET)
        page.goto(f"/staff/patients/{moved.pk}/infusions/{infusion.pk}/decide/")
        expect(page.get_by_role("heading", name="Complete the history")).to_be_visible()
        checked(page, STAFF_TARGET)
        page.goto(f"/staff/patients/{hurt.pk}/record/")
        page.get_by_label("Life-threatening").check()
        page.get_by_label("I checked name and date of birth").check()
        page.get_by_role("button", name="Save infusion").click()
        expect(page.get_by_text("Treatment stops for good.")).to_be_visible()
        checked(page, STAFF_TARGET)
