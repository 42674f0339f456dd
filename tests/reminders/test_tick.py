"""Each minute's look: it costs one question while nothing changes, and misses nothing."""

import datetime as dt
import random
from contextlib import suppress

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reminders import outbox
from reminders.models import Heartbeat, Reminder, State
from schedules import actions
from schedules.models import Appointment, Course, Patient
from tests.cast import NOW, TODAY, book, days, give, make_clinic, make_staff

from .conftest import due_course, hold, kinds, local, many_due_courses, only_row, states

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def looked(harbor, rosa):
    """Everything there was has been looked at."""
    outbox.plan(now=NOW)


def test_with_nothing_to_do_it_asks_one_question(harbor, rosa):
    due_course(harbor, rosa, due_in=200)
    outbox.tick(now=NOW)
    with CaptureQueriesContext(connection) as questions:
        assert outbox.tick(now=NOW + dt.timedelta(seconds=20)) == 0
    assert len(questions) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has it prepared")
def test_a_session_that_does_not_know_the_prepared_question_is_asked_in_full(harbor, rosa):
    """As behind a pooler that gives each statement another session."""
    outbox.tick(now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    due_course(harbor, rosa, due_in=60)
    assert outbox.tick(now=NOW + MINUTE) == 1
    assert outbox.tick(now=NOW + 2 * MINUTE) == 0
    with CaptureQueriesContext(connection) as questions:
        outbox.tick(now=NOW + 2 * MINUTE)
    assert [one["sql"][:7] for one in questions] == ["EXECUTE"]


@pytest.mark.parametrize("people", [1, 30])
def test_a_new_day_costs_as_many_statements_however_many_hear_of_it(harbor, people):
    many_due_courses(harbor, due_in=71, count=people)
    outbox.plan(now=NOW)
    tomorrow = local(harbor, TODAY + days(1), 0)
    Heartbeat.beat(planned_at=tomorrow - MINUTE, reviewed_at=tomorrow - MINUTE)
    with CaptureQueriesContext(connection) as questions:
        assert outbox.tick(now=tomorrow) == people
    about_rows = [one["sql"] for one in questions if one["sql"].startswith('INSERT INTO "remind')]
    assert len(about_rows) == 2, "the rows of all, and the heartbeat"
    assert len(questions) <= 24


def test_what_has_changed_is_planned_within_the_minute(harbor, rosa):
    due_course(harbor, rosa, due_in=60)
    assert outbox.tick(now=NOW + MINUTE) == 1
    assert kinds() == ["book-1"]
    assert not Course.objects.filter(unplanned=True).exists()


def test_a_window_that_opens_on_a_new_day_is_found(harbor, rosa):
    due_course(harbor, rosa, due_in=71)
    outbox.tick(now=NOW)
    for minutes in range(0, 24 * 60, 15):
        outbox.tick(now=NOW + minutes * MINUTE)
        Heartbeat.objects.update(reviewed_at=NOW + minutes * MINUTE)  # never by a review
    assert kinds() == ["book-1"]
    assert only_row().next_at == local(harbor, TODAY + days(1), 9)


def test_each_zones_midnight_is_its_own(rosa):
    clinic = make_clinic("Far Clinic", time_zone="Asia/Kathmandu")  # UTC+5:45
    nurse = make_staff(clinic, "Asha")
    due_course(clinic, nurse, due_in=71)
    outbox.tick(now=NOW)
    midnight = dt.datetime(2026, 3, 12, 18, 15, tzinfo=dt.UTC)
    Heartbeat.objects.update(planned_at=midnight - MINUTE, reviewed_at=midnight - MINUTE)
    assert outbox.tick(now=midnight - MINUTE / 2) == 0
    assert outbox.tick(now=midnight) == 1


def test_a_week_without_a_worker_is_made_up_for(harbor, rosa):
    due_course(harbor, rosa, due_in=75)
    outbox.tick(now=NOW)
    Heartbeat.objects.update(reviewed_at=NOW + days(7))
    assert outbox.tick(now=NOW + days(7)) == 1


def test_a_window_that_closed_expires_its_row(harbor, rosa):
    due_course(harbor, rosa, due_in=60)
    outbox.tick(now=NOW)
    Reminder.objects.update(not_after=NOW)
    outbox.tick(now=NOW + MINUTE)
    assert only_row().state == State.EXPIRED


def test_a_hold_that_begins_by_the_calendar_stops_what_was_planned(harbor, rosa):
    course = due_course(harbor, rosa, due_in=60)
    hold(course, rosa, starts_in=1)
    outbox.tick(now=NOW)
    assert states() == {"book-1": State.PLANNED}
    tomorrow = local(harbor, TODAY + days(1), 0)
    Heartbeat.objects.update(planned_at=tomorrow - MINUTE, reviewed_at=tomorrow)
    outbox.tick(now=tomorrow)
    assert states() == {"book-1": State.CANCELLED}


def test_a_hold_that_ends_by_the_calendar_lets_the_mail_go(harbor, rosa):
    course = due_course(harbor, rosa, due_in=60)
    hold(course, rosa, ends_on=TODAY + days(1))
    assert outbox.tick(now=NOW) == 0
    tomorrow = local(harbor, TODAY + days(1), 0)
    Heartbeat.objects.update(planned_at=tomorrow - MINUTE, reviewed_at=tomorrow)
    assert outbox.tick(now=tomorrow) == 1


def test_a_missed_visit_silences_for_a_week_only(harbor, rosa):
    course = due_course(harbor, rosa, due_in=-4)
    Appointment.objects.create(
        course=course,
        starts_at=NOW - days(7) + 2 * MINUTE,
        booked_by=rosa,
        booked_at=NOW - days(20),
    )
    outbox.tick(now=NOW + MINUTE)
    assert kinds() == []
    later = NOW + 15 * MINUTE
    Heartbeat.objects.update(planned_at=NOW - MINUTE, reviewed_at=later)
    assert outbox.tick(now=later) == 1


def test_each_hour_it_looks_at_everything(harbor, rosa):
    due_course(harbor, rosa, due_in=60)
    Course.objects.update(unplanned=False)  # as if somebody had forgotten the mark
    assert outbox.tick(now=NOW + 59 * MINUTE) == 0
    assert outbox.tick(now=NOW + 60 * MINUTE) == 1


def test_who_has_never_looked_looks_at_everything(harbor, rosa):
    due_course(harbor, rosa, due_in=60)
    Course.objects.update(unplanned=False)
    Heartbeat.objects.all().delete()
    assert outbox.tick(now=NOW) == 1


def test_a_clock_that_went_back_is_no_reason_to_wait(harbor, rosa):
    Heartbeat.objects.update(planned_at=NOW + days(1), reviewed_at=NOW + days(1))
    due_course(harbor, rosa, due_in=60)
    Course.objects.update(unplanned=False)
    assert outbox.tick(now=NOW) == 1


def test_an_import_of_many_is_taken_in_portions(harbor, monkeypatch):
    monkeypatch.setattr(outbox.planning, "AT_A_TIME", 7)
    many_due_courses(harbor, due_in=60, count=20)
    assert outbox.tick(now=NOW + MINUTE) == 20


def test_after_random_days_a_review_would_find_nothing_left_undone(harbor, rosa):
    """The short cuts of `tick` lose nothing: what they leave undone a review would find."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    courses = [
        due_course(harbor, rosa, due_in=dice.randint(-60, 80), name=f"P{number}")
        for number in range(12)
    ]
    now = NOW
    for _day in range(40):
        now += dt.timedelta(minutes=dice.choice([1, 17, 600, 1440, 2000]))
        course = dice.choice(courses)
        course.refresh_from_db()
        something_happens(dice, course, rosa, now)
        Heartbeat.objects.update(reviewed_at=now)  # never by a review
        outbox.tick(now=now)
        while Course.objects.filter(unplanned=True).exists() and dice.random() < 0.5:
            outbox.tick(now=now)
        assert outbox.missing(now=now) == 0, f"seed {seed}"


def something_happens(dice: random.Random, course: Course, nurse, now: dt.datetime) -> None:
    """One of the things that people do, if it may be done."""
    today = course.patient.clinic.local_date(now)
    what = dice.choice([_book, _cancel, _hold, _give, _silence, None, None])
    if what is not None:
        with suppress(actions.UnableTo):
            what(dice, course, nurse, now, today)


def _book(dice, course, nurse, now, today) -> None:
    first = max(today, course.next_earliest_on or today)
    book(course, nurse, first + days(dice.randint(1, 20)), now=now)


def _cancel(_dice, course, nurse, now, _today) -> None:
    if visit := course.appointments.booked().filter(starts_at__gt=now).first():
        actions.cancel_visit(visit=visit, actor=nurse, now=now)


def _hold(dice, course, nurse, now, today) -> None:
    actions.start_hold(
        course=course, actor=nurse, now=now, reason="infection",
        starts_on=today + days(dice.randint(0, 3)), ends_on=today + days(dice.randint(4, 9)),
    )  # fmt: skip


def _give(_dice, course, nurse, now, today) -> None:
    give(course, nurse, today, now=now)


def _silence(_dice, course, nurse, now, _today) -> None:
    patient = Patient.objects.get(pk=course.patient_id)
    patient.wants_reminders = not patient.wants_reminders
    actions.change_patient(patient=patient, changed=["wants_reminders"], actor=nurse, now=now)
