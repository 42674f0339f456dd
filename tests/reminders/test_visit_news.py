"""A visit booked, moved or cancelled: whoever believes in another time hears the true one."""

import datetime as dt

import pytest

from reminders import outbox
from reminders.models import Kind, Preference, Reminder, State
from schedules import actions
from schedules.models import Appointment, Course
from tests.cast import NOW, TODAY, book, days, give

from .conftest import due_course, local, sent_kinds, states

pytestmark = pytest.mark.django_db

UNDO = dt.timedelta(minutes=15)


@pytest.fixture
def course(harbor, rosa) -> Course:
    return due_course(harbor, rosa, due_in=10)


@pytest.fixture
def run(sink, harbor):
    """Plan and then deliver on some of the next days, and return what was sent."""

    def passes(*day_numbers: int) -> list[str]:
        for number in day_numbers:
            now = NOW + UNDO if number == 0 else local(harbor, TODAY + days(number), 12)
            outbox.plan(now=now - UNDO)
            outbox.deliver(now=now)
        return sent_kinds()

    return passes


def move(visit, nurse, *, by_days: int, now: dt.datetime = NOW):
    return actions.move_visit(
        visit=visit, actor=nurse, now=now, starts_at=visit.starts_at + days(by_days)
    )


def test_a_booked_visit_is_confirmed_once_it_can_no_longer_be_undone(course, rosa, run):
    book(course, rosa, TODAY + days(20))
    outbox.plan(now=NOW)
    assert Reminder.objects.get().next_at == NOW + UNDO
    assert run(0, 1, 2) == ["booked"]


def test_one_booked_long_ago_is_not_news(course, rosa, run):
    book(course, rosa, TODAY + days(20), now=NOW - days(4))
    assert run(0, 1) == []


def test_one_for_tomorrow_is_told_by_the_mail_of_the_day_before(course, rosa, run):
    book(course, rosa, TODAY + days(1))
    assert run(0) == ["day-before"]


def test_cancelled_before_it_was_told_nothing_is_said(course, rosa, run):
    visit = book(course, rosa, TODAY + days(20))
    outbox.plan(now=NOW)
    actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
    assert "booked" not in run(0)


def test_moved_after_it_was_told_the_new_time_is_told(course, rosa, run):
    visit = book(course, rosa, TODAY + days(20))
    run(0)
    move(visit, rosa, by_days=2)
    assert run(1, 2) == ["booked", "changed"]
    row = Reminder.objects.get(kind=Kind.CHANGED)
    assert row.visit_at == visit.starts_at
    assert row.corrects.kind == Kind.BOOKED


def test_moved_twice_before_a_mail_went_only_the_last_time_is_told(course, rosa, run):
    visit = book(course, rosa, TODAY + days(20))
    run(0)
    for by in (2, 3):
        visit = move(visit, rosa, by_days=by)
        outbox.plan(now=NOW + UNDO)
    assert run(1) == ["booked", "changed"]
    assert Reminder.objects.get(kind=Kind.CHANGED).visit_at == visit.starts_at


def test_moved_back_to_what_was_told_nothing_is_said(course, rosa, run):
    visit = book(course, rosa, TODAY + days(20))
    run(0)
    visit = move(visit, rosa, by_days=2)
    outbox.plan(now=NOW + UNDO)
    move(visit, rosa, by_days=-2)
    assert run(1) == ["booked"]
    assert states()["changed"] == State.CANCELLED


def test_away_and_back_and_away_each_is_told(course, rosa, run):
    visit = book(course, rosa, TODAY + days(25))
    run(0)
    for day, by in enumerate((2, -2, 2), start=1):
        visit = move(visit, rosa, by_days=by, now=NOW + days(day - 1))
        run(day)
    assert sent_kinds() == ["booked", "changed", "changed", "changed"]


def test_a_cancelled_visit_is_taken_back(course, rosa, run):
    visit = book(course, rosa, TODAY + days(20))
    run(0)
    actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
    assert run(1) == ["booked", "cancelled"]
    assert Reminder.objects.get(kind=Kind.CANCELLED).visit_at == visit.starts_at


def test_cancelled_and_booked_anew_is_one_that_moved(course, rosa, run):
    visit = book(course, rosa, TODAY + days(20))
    run(0)
    actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
    book(course, rosa, TODAY + days(22))
    assert run(1, 2) == ["booked", "changed"]


def test_one_of_which_nobody_was_told_is_cancelled_in_silence(course, rosa, run):
    visit = book(course, rosa, TODAY + days(40), now=NOW - days(9))
    run(0)
    actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
    assert "cancelled" not in run(1)


def test_one_moved_to_a_time_that_is_over_is_no_news(course, rosa, run):
    book(course, rosa, TODAY + days(20))
    run(0)
    Appointment.objects.update(starts_at=NOW - UNDO)
    assert "changed" not in run(1)


def test_a_time_gone_by_is_not_taken_back(course, rosa, run):
    """Moved before that time came, and cancelled before the new one was told."""
    visit = book(course, rosa, TODAY + days(20))
    run(0)
    Reminder.objects.update(visit_at=NOW)
    actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
    assert "cancelled" not in run(1)


def test_a_visit_that_took_place_is_no_news(course, rosa, run):
    book(course, rosa, TODAY + days(20))
    book(course, rosa, TODAY)
    give(course, rosa, TODAY, now=NOW)
    assert run(0) == ["recorded"]


@pytest.mark.parametrize("state", [State.ON_WIRE, State.IN_DOUBT])
def test_while_nobody_knows_what_was_told_it_is_too_early_to_say(course, rosa, run, state):
    visit = book(course, rosa, TODAY + days(20))
    run(0)
    Reminder.objects.update(state=state, next_at=NOW + days(9), accepted_at=None)
    move(visit, rosa, by_days=2)
    outbox.plan(now=NOW + UNDO)
    assert "changed" not in states()
    outbox.tick(now=NOW + UNDO)  # comes to its end all the same
    course.refresh_from_db()
    assert course.unplanned  # so the next minute looks again
    Reminder.objects.update(state=State.ACCEPTED, accepted_at=NOW)
    outbox.tick(now=NOW + 2 * UNDO)
    assert states()["changed"] == State.PLANNED


def test_news_of_a_near_visit_does_not_wait_for_another_day(course, rosa, run):
    visit = book(course, rosa, TODAY + days(2), hour=8)
    assert run(0) == ["prepare"]
    actions.cancel_visit(visit=visit, actor=rosa, now=NOW + UNDO)
    later = NOW + 3 * UNDO
    outbox.plan(now=later)
    outbox.deliver(now=later + UNDO)
    assert sent_kinds() == ["prepare", "cancelled"]


def test_a_confirmation_that_another_mail_has_overtaken_is_not_sent(course, rosa, run):
    book(course, rosa, TODAY + days(5))
    assert run(0) == ["prepare"]
    outbox.plan(now=NOW + 2 * UNDO)
    assert states() == {"booked": State.CANCELLED, "prepare": State.ACCEPTED}


def test_who_stopped_news_of_visits_hears_none(course, rosa, run):
    Preference.objects.create(patient=course.patient, stops_visit=True, changed_at=NOW)
    visit = book(course, rosa, TODAY + days(20))
    move(visit, rosa, by_days=1)
    assert run(0, 1) == []


def test_many_visits_cost_as_many_queries_as_one(harbor, rosa, django_assert_max_num_queries):
    for number in range(6):
        book(due_course(harbor, rosa, due_in=30, name=f"P{number}"), rosa, TODAY + days(20))
    with django_assert_max_num_queries(45):
        assert outbox.plan(now=NOW) == 6
