"""Whom the reminders are for: made-up people at a clinic where it is noon."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from ocrevus_tracker.accounts.models import Clinic, Membership
from reminders import outbox
from schedules.models import Course, Patient
from tests.cast import days, make_clinic, make_staff, signed_in


def noon_clinic() -> Clinic:
    """With a nurse. Mails go by day only, and these tests run at any hour."""
    hours = 12 - timezone.now().hour
    clinic = make_clinic(time_zone=f"Etc/GMT{-hours:+d}" if hours else "UTC")
    make_staff(clinic, "Rosa")
    return clinic


@dataclass(frozen=True)
class Nurse:
    """Signed in, on the clinic's local date."""

    session: str
    today: dt.date


def nurse_of(clinic: Clinic) -> Nurse:
    user = Membership.objects.filter(clinic=clinic).first().user
    session = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
    return Nurse(session, clinic.local_date(timezone.now()))


def add_people(
    clinic: Clinic, prefix: str, count: int, *, due_in: int, **fields: object
) -> list[int]:
    """Patients on maintenance whose next dose is due so many days from now; their ids.

    Each has an address of their own: the prefix and a number.
    """
    due_on = clinic.local_date(timezone.now()) + days(due_in)
    fields = {"given_name": prefix.title(), "family_name": "Example"} | fields
    patients = Patient.objects.bulk_create(
        Patient(
            clinic=clinic,
            record_number=f"{prefix}-{number}",
            date_of_birth=dt.date(1985, 3, 27),
            email=f"{prefix}{number}@example.org",
            created_at=timezone.now(),
            **fields,
        )
        for number in range(count)
    )
    Course.objects.bulk_create(
        Course(
            patient=patient,
            regimen_version="2026-11",
            next_step="maintenance",
            next_dose_mg=600,
            next_due_on=due_on,
            next_earliest_on=due_on - days(28),
        )
        for patient in patients
    )
    return [patient.pk for patient in patients]


def plan_reminders(count: int) -> Clinic:
    """One for each of so many people."""
    clinic = noon_clinic()
    add_people(clinic, "p", count, due_in=60)
    outbox.plan(now=timezone.now())
    return clinic


def add_visitors(clinic: Clinic, count: int) -> list[int]:
    """People who come for an infusion today and want no mail; their ids."""
    return add_people(clinic, "v", count, due_in=1, wants_reminders=False)
