"""The people every test knows.

Harbor Clinic in New York has Rosa, a nurse, and Priya, who prescribes. Hill Clinic in Los Angeles
has Nils, a nurse. Ana, Ben and Carla are patients of Harbor. Mallory signs in like anybody else
and must be refused on every page.
"""

import datetime as dt
import time
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from django.test import Client

from ocrevus_tracker.accounts import sessions
from ocrevus_tracker.accounts.models import Clinic, Membership, Role, User
from schedules import actions
from schedules.models import Appointment, Course, Patient, PatientInvitation

PASSWORD = "a made-up passphrase"
NEW_YORK = ZoneInfo("America/New_York")
# A Thursday at Harbor Clinic: 11 a.m. in New York, 8 a.m. in Los Angeles.
NOW = dt.datetime(2026, 3, 12, 15, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 12)

_numbers = count(1)


def days(number: int) -> dt.timedelta:
    return dt.timedelta(days=number)


def make_clinic(name: str = "Harbor Clinic", **fields) -> Clinic:
    fields = {
        "slug": name.lower().replace(" ", "-"),
        "time_zone": "America/New_York",
        "phone": "(555) 010-0142",
        "hours": "Monday to Friday, 8 a.m. to 5 p.m.",
        "address": "12 Shore Road, Harbor",
    } | fields
    return Clinic.objects.create(name=name, **fields)


def make_staff(clinic: Clinic, name: str, role: str = Role.NURSE) -> User:
    email = f"{name.lower()}@{clinic.slug}.test"
    user = User.objects.create_user(email, PASSWORD, name=name)
    Membership.objects.create(user=user, clinic=clinic, role=role)
    return user


def make_patient(
    clinic: Clinic,
    actor: User,
    given_name: str = "Ana",
    *,
    now: dt.datetime = NOW,
    regimen_code: str = "ocrevus-iv",
    ordered_for: dt.date | None = None,
    **fields,
) -> Patient:
    """A patient as `actor` would enter them; one with an address has claimed their record."""
    fields = {
        "family_name": "Example",
        "record_number": f"H-{next(_numbers):04}",
        "date_of_birth": dt.date(1985, 3, 27),
        "email": f"{given_name.lower()}@example.org",
    } | fields
    patient = actions.add_patient(
        patient=Patient(clinic=clinic, given_name=given_name, **fields),
        actor=actor,
        now=now,
        regimen_code=regimen_code,
        ordered_for=ordered_for,
    )
    if patient.email and patient.user is None:
        claim(patient, actor, now=now)
    return patient


def claim(patient: Patient, actor: User, *, now: dt.datetime = NOW) -> User:
    """The patient opens a link that `actor` has sent, and knows their date of birth."""
    link = PatientInvitation.objects.create(
        patient=patient,
        email=patient.email.lower(),
        invited_by=actor,
        invited_at=now,
        expires_at=now + actions.online.INVITATION_LASTS,
    )
    claimed = actions.claim_record(invitation=link, born=patient.date_of_birth, now=now)
    assert claimed
    patient.user = claimed.user
    return claimed.user


def give(
    course: Course,
    actor: User,
    given_on: dt.date,
    dose_mg: int = 600,
    *,
    now: dt.datetime | None = None,
    **facts,
) -> actions.Recorded:
    """Record an infusion, at noon of the day it was given unless `now` says otherwise."""
    noon = dt.datetime.combine(given_on, dt.time(12), course.patient.clinic.tz)
    recorded = actions.record_infusion(
        course=course,
        actor=actor,
        now=now or noon.astimezone(dt.UTC),
        given_on=given_on,
        dose_mg=dose_mg,
        **facts,
    )
    course.refresh_from_db()
    return recorded


def book(
    course: Course, actor: User, day: dt.date, hour: int = 9, *, now: dt.datetime = NOW, **facts
) -> Appointment:
    """A visit at `hour` o'clock on the clinic's wall clock."""
    starts_at = dt.datetime(day.year, day.month, day.day, hour, tzinfo=course.patient.clinic.tz)
    return actions.book_visit(course=course, actor=actor, now=now, starts_at=starts_at, **facts)


def signed_in(user: User, client: Client | None = None) -> Client:
    """A client of somebody who has come in by the right door just now: staff with their second
    step, which its own tests take one by one.
    """
    client = client or Client()
    client.force_login(user)
    session, now = client.session, time.time()
    kind = sessions.Kind.STAFF if user.needs_second_step else sessions.Kind.VISIT
    sessions.begin(session, kind, now)
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "type": "totp", "at": now}]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session.save()
    return client


@pytest.fixture
def clock(time_machine):
    """The world at NOW; move it with `clock.move_to`."""
    time_machine.move_to(NOW, tick=False)
    return time_machine


@pytest.fixture
def harbor(db) -> Clinic:
    return make_clinic()


@pytest.fixture
def hill(db) -> Clinic:
    return make_clinic(
        "Hill Clinic", time_zone="America/Los_Angeles", phone="(555) 010-0177", address="3 Hill St"
    )


@pytest.fixture
def rosa(harbor) -> User:
    return make_staff(harbor, "Rosa")


@pytest.fixture
def priya(harbor) -> User:
    return make_staff(harbor, "Priya", Role.PRESCRIBER)


@pytest.fixture
def nils(hill) -> User:
    return make_staff(hill, "Nils")


@pytest.fixture
def mallory(db) -> User:
    return User.objects.create_user("mallory@example.org", PASSWORD)


@pytest.fixture
def ana(harbor, rosa) -> Patient:
    """New: nothing ordered, nothing given, nothing booked."""
    return make_patient(harbor, rosa, "Ana")


@pytest.fixture
def dora(harbor, rosa) -> Patient:
    """Entered with an address, and not invited yet."""
    details = {"record_number": "D-1", "date_of_birth": dt.date(1985, 3, 27)}
    details |= {"family_name": "Example", "email": "Dora@example.org"}
    made = Patient(clinic=harbor, given_name="Dora", **details)
    return actions.add_patient(patient=made, actor=rosa, now=NOW)


@pytest.fixture
def sent(dora, rosa) -> PatientInvitation:
    """The link that Dora was sent."""
    return actions.invite_patient(patient=dora, actor=rosa, now=NOW)


@pytest.fixture
def ben(harbor, rosa) -> Patient:
    """On maintenance: 600 mg on October 10, 2025, so the next is due on April 10, 2026."""
    patient = make_patient(harbor, rosa, "Ben")
    give(patient.course, rosa, dt.date(2025, 10, 10))
    return patient


@pytest.fixture
def carla(harbor, rosa) -> Patient:
    """Between the two visits of the first dose: the second is due on March 19, 2026."""
    patient = make_patient(harbor, rosa, "Carla")
    give(patient.course, rosa, dt.date(2026, 3, 5), 300)
    return patient
