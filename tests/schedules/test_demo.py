"""The demo clinic: believable, complete, and never among real people."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction

from schedules import demo
from schedules.clinic_calendar import ClinicCalendar
from schedules.models import ClinicRules, Course, Patient
from schedules.views.patient import home_facts
from tests.cast import NOW, TODAY

EVERY_STATE = {
    "not_started",
    "planned",
    "not_eligible",
    "eligible",
    "in_window",
    "late",
    "overdue",
    "extended",
    "lapsed",
    "on_hold",
    "paused",
    "pending_clinician",
    "discontinued",
}


def states(today: dt.date) -> set[str]:
    return {course.forecast(today).state for course in Course.objects.with_history()}


def test_it_stays_out_of_a_database_with_real_patients(settings, ana):
    settings.DEBUG = True
    ana.clinic.slug = "real"
    ana.clinic.save()
    with pytest.raises(CommandError, match="another clinic"):
        call_command("demo", fresh=True)
    assert Patient.objects.get() == ana


def test_its_public_password_never_reaches_a_deployment(db):
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("demo")


def test_it_can_be_made_on_a_leap_day(db):
    now = dt.datetime(2028, 2, 29, 17, tzinfo=dt.UTC)
    demo.build(now)
    assert states(now.date()) == EVERY_STATE


@pytest.fixture(scope="module")
def built_once(django_db_setup, django_db_blocker):
    """The demo clinic as of NOW for all tests that only look at it; gone after the last."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield demo.build(NOW)
        transaction.set_rollback(True)


@pytest.fixture
def built(built_once, db):
    return built_once


def test_it_shows_every_state_that_the_pages_know(built):
    assert states(TODAY) == EVERY_STATE
    assert Patient.objects.count() == len(demo.STORIES)


def test_it_shows_every_state_of_the_patients_page(built):
    states = [home_facts(one, NOW)["state"] for one in Patient.objects.all()]
    assert {state.letter for state in states} == set("ABCDEFGHIJKLMNO")


def test_it_is_closed_on_a_day_when_somebody_is_due(built):
    due = Patient.objects.get(given_name="Sam").course.next_due_on
    assert ClinicCalendar.of(built, due, due).why_closed(due) == "Staff training"
    assert ClinicRules.of(built).holiday_subdivision == "NY"


def test_its_people_are_reachable_nowhere(built):
    addresses = Patient.objects.exclude(email="").values_list("email", flat=True)
    assert all(address.endswith("@example.org") for address in addresses)


def test_a_second_run_keeps_what_was_entered(built, settings, capsys):
    settings.DEBUG = True
    patient = Patient.objects.first()
    call_command("demo")
    assert Patient.objects.filter(pk=patient.pk).exists()
    assert demo.NURSE in capsys.readouterr().out


def test_fresh_makes_it_anew(built, settings):
    settings.DEBUG = True
    patient = Patient.objects.first()
    call_command("demo", fresh=True)
    assert not Patient.objects.filter(pk=patient.pk).exists()
    assert Patient.objects.count() == len(demo.STORIES)
