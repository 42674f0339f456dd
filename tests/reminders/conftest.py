"""A mail server on the loopback, a journal of the test's own, and people with a due date."""

import datetime as dt

import pytest

from reminders.models import Reminder
from schedules.models import Course, Patient
from tests.cast import NOW, TODAY, days, give, make_patient

from .sink import Sink


@pytest.fixture
def sink(settings):
    sink = Sink()
    sink.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", sink.port, 1
    yield sink
    sink.stop()


@pytest.fixture(autouse=True)
def journal(settings, tmp_path):
    settings.REMINDER_JOURNAL = tmp_path / "receipts.journal"
    return settings.REMINDER_JOURNAL


def due_course(clinic, nurse, *, due_in: int, name: str = "Ana", **fields) -> Course:
    """A course on maintenance whose next dose is due `due_in` days after TODAY at the clinic."""
    course = make_patient(clinic, nurse, name, now=NOW - days(400), **fields).course
    give(course, nurse, TODAY - days(183))
    return _due(course, due_in)


def many_due_courses(clinic, *, due_in: int, count: int, today=TODAY, **fields) -> None:
    """As `due_course`, in two statements and without a history."""
    due_on = today + days(due_in)
    patients = Patient.objects.bulk_create(
        Patient(
            clinic=clinic,
            given_name=f"P{number}",
            family_name="Example",
            record_number=f"M-{number}",
            date_of_birth=dt.date(1985, 3, 27),
            email=f"p{number}@example.org",
            created_at=NOW,
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


def _due(course: Course, due_in: int) -> Course:
    Course.objects.filter(pk=course.pk).update(
        next_due_on=TODAY + days(due_in), next_earliest_on=TODAY + days(due_in - 28)
    )
    course.refresh_from_db()
    return course


def only_row() -> Reminder:
    return Reminder.objects.get()


def kinds() -> list[str]:
    return sorted(Reminder.objects.values_list("kind", flat=True))


def states() -> dict[str, str]:
    return dict(Reminder.objects.values_list("kind", "state"))


def local(clinic, day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    """Aware UTC of a wall-clock time at the clinic."""
    moment = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=clinic.tz)
    return moment.astimezone(dt.UTC)
