"""What the database itself refuses, whoever writes."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from ocrevus_tracker.accounts.models import Membership, User
from schedules.models import Appointment, Course, Infusion, Patient
from tests.cast import NOW, TODAY, give


def refused(change) -> bool:
    """Whether the database refuses `change` with an IntegrityError."""
    try:
        with transaction.atomic():
            change()
    except IntegrityError:
        return True
    return False


def infusion(course, nurse, **fields) -> Infusion:
    defaults = {
        "given_on": TODAY,
        "dose_mg": 600,
        "recorded_by": nurse,
        "recorded_at": NOW,
        "recorded_on": TODAY,
    }
    return Infusion.objects.create(course=course, **defaults | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"dose_mg": 0},
        {"given_on": TODAY + dt.timedelta(days=1)},
        {"outcome": "lost"},
        {"disposition": "repeat"},
        {"outcome": "partial", "disposition": "shrug"},
    ],
)
def test_an_infusion_that_cannot_be_is_refused(ana, rosa, fields):
    assert refused(lambda: infusion(ana.courses.get(), rosa, **fields))


def test_one_infusion_per_course_and_day(ana, rosa):
    infusion(ana.courses.get(), rosa)
    assert refused(lambda: infusion(ana.courses.get(), rosa))


def test_a_voided_infusion_leaves_its_day_free(ana, rosa):
    infusion(ana.courses.get(), rosa, voided_at=NOW)
    assert infusion(ana.courses.get(), rosa).pk


def test_one_open_course_per_patient_and_regimen(ana):
    again = Course(patient=ana, regimen_code="ocrevus-iv", regimen_version="2026-11")
    assert refused(again.save)
    ana.courses.update(stopped_on=TODAY)
    again.save()


def test_a_record_number_once_in_a_clinic_and_never_empty(ana, harbor):
    for number in (ana.record_number, ""):
        twin = Patient(clinic=harbor, record_number=number, date_of_birth=TODAY, created_at=NOW)
        assert refused(twin.save)


@pytest.mark.parametrize(
    "change",
    [
        {"next_step": "someday"},
        {"next_step": ""},
        {"next_due_on": None},
        {"next_earliest_on": dt.date(2026, 4, 11)},
    ],
)
def test_a_stored_next_dose_is_whole_and_in_order(ben, change):
    assert refused(lambda: Course.objects.filter(patient=ben).update(**change))


def test_a_visit_has_a_known_status_and_one_row_per_time(ben, rosa):
    visit = {"course": ben.courses.get(), "starts_at": NOW, "booked_by": rosa, "booked_at": NOW}
    Appointment.objects.create(**visit)
    assert refused(lambda: Appointment.objects.create(**visit))
    assert refused(lambda: Appointment.objects.create(**visit, status="lost"))


def test_an_address_signs_in_one_person_whatever_its_case(rosa):
    assert refused(lambda: User.objects.create(email=rosa.email.upper()))


def test_one_membership_per_person_and_clinic(rosa, harbor):
    assert refused(lambda: Membership.objects.create(user=rosa, clinic=harbor))
    assert refused(lambda: Membership.objects.update(role="owner"))


def test_the_stored_next_dose_equals_a_fresh_computation(ben, rosa):
    course = ben.courses.get()
    give(course, rosa, TODAY, now=NOW)
    upcoming = course.forecast(TODAY + dt.timedelta(days=100)).next
    stored = (course.next_step, course.next_due_on, course.next_earliest_on, course.lapses_on)
    assert stored == (upcoming.step, upcoming.due, upcoming.earliest, upcoming.lapses_on)
