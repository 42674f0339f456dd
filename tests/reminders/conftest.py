"""A mail server on the loopback, a journal of the test's own, and people with a due date."""

import datetime as dt

import pytest
from django.db.models import F

from ocrevus_tracker.accounts.models import User
from reminders import outbox
from reminders.journal import Journal
from reminders.models import Reminder, State
from schedules.models import Course, DateMove, Hold, Patient
from tests.cast import NOW, TODAY, days, give, make_patient

from .sink import Sink


@pytest.fixture
def sink(settings):
    sink = Sink()
    sink.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
    settings.EMAIL_TIMEOUT = 30  # a busy machine is no fault of the server; see `PATIENCE`
    yield sink
    sink.stop()


@pytest.fixture(autouse=True)
def journal(settings, tmp_path):
    settings.REMINDER_JOURNAL = tmp_path / "receipts.journal"
    return settings.REMINDER_JOURNAL


@pytest.fixture(autouse=True)
def _no_digests(request, monkeypatch):
    """Planning without the morning's mail to the staff, which most tests are not about; with it
    for those marked `digests_too`.
    """
    if not request.node.get_closest_marker("digests_too"):
        monkeypatch.setattr("reminders.outbox.planning.digests", lambda _now: iter(()))


def due_course(clinic, nurse, *, due_in: int, name: str = "Ana", **fields) -> Course:
    """A course on maintenance whose next dose is due `due_in` days after TODAY at the clinic."""
    course = make_patient(clinic, nurse, name, now=NOW - days(400), **fields).course
    give(course, nurse, TODAY - days(183))
    return _due(course, due_in)


def many_due_courses(
    clinic, *, due_in: int, count: int, today=TODAY, name: str = "", **fields
) -> None:
    """As `due_course`, in two statements and without a history."""
    due_on = today + days(due_in)
    patients = Patient.objects.bulk_create(
        Patient(
            clinic=clinic,
            given_name=f"P{number}",
            family_name="Example",
            record_number=f"M-{name}{number}",
            date_of_birth=dt.date(1985, 3, 27),
            email=f"p{name}{number}@example.org",
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


def hold(course: Course, nurse: User, *, starts_in: int = 0, **fields) -> Hold:
    """A hold from so many days after TODAY, as the calendar finds it: nothing else has changed."""
    fields = {"reason": "infection", "starts_on": TODAY + days(starts_in)} | fields
    return Hold.objects.create(course=course, recorded_by=nurse, recorded_at=NOW, **fields)


def told(course: Course, on: dt.date | None = None, *, at: dt.datetime = NOW, **fields) -> Reminder:
    """A mail that told the patient `on`, or else the due date as it is."""
    told_on = on or course.next_due_on
    fields = {"kind": "book-1", "state": State.ACCEPTED, "told_due_on": told_on} | fields
    return Reminder.objects.create(
        course=course, patient=course.patient, due_on=told_on, due_version=0, next_at=at,
        not_after=at, accepted_at=at, **fields,
    )  # fmt: skip


def put_right(
    course: Course, to_on: dt.date | None, *, at: dt.datetime = NOW, tell_patient: bool = True
) -> DateMove:
    """A correction of the record that moves the due date to `to_on`, as far as it is seen here."""
    move = DateMove.objects.create(
        course=course, from_on=course.next_due_on, to_on=to_on, moved_at=at,
        tell_patient=tell_patient,
    )  # fmt: skip
    Course.objects.filter(pk=course.pk).update(
        next_due_on=to_on,
        next_earliest_on=to_on and to_on - days(28),
        next_step="maintenance" if to_on else "",
        due_version=F("due_version") + 1,
    )
    course.refresh_from_db()
    return move


def rendered(row: Reminder) -> Reminder:
    """The claimed row as its worker has it in hand when it comes to the fence."""
    with outbox.delivery.Worker(now=NOW) as worker:
        worker._render(row)
    return row


def write_receipt(mark: str) -> None:
    """What a worker notes when the mail server has taken a mail."""
    with Journal() as receipts:
        receipts.begin(mark)
        receipts.accept(mark)


def only_row() -> Reminder:
    return Reminder.objects.get()


def sent_kinds() -> list[str]:
    """What the mail server has taken, in its order."""
    sent = Reminder.objects.filter(accepted_at__isnull=False).order_by("accepted_at", "pk")
    return list(sent.values_list("kind", flat=True))


def kinds() -> list[str]:
    return sorted(Reminder.objects.values_list("kind", flat=True))


def states() -> dict[str, str]:
    return dict(Reminder.objects.values_list("kind", "state"))


def local(clinic, day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    """Aware UTC of a wall-clock time at the clinic."""
    moment = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=clinic.tz)
    return moment.astimezone(dt.UTC)
