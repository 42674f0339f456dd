"""At most one mail a day to one person, but for the one that says that a visit is tomorrow."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from reminders import outbox
from reminders.models import Helper, Reminder, State
from schedules.models import Course
from tests.cast import NOW, TODAY, book, days, give

from .conftest import due_course, local, rendered, sent_kinds, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(harbor, rosa) -> Course:
    return due_course(harbor, rosa, due_in=60)


def add(course: Course, kind: str, *, next_at: dt.datetime = NOW, **fields) -> Reminder:
    return Reminder.objects.create(
        patient=course.patient, course=course, kind=kind, due_on=TODAY, next_at=next_at,
        not_after=NOW + days(3), due_version=course.due_version, **fields,
    )  # fmt: skip


def deliver(now: dt.datetime = NOW) -> list[str]:
    outbox.deliver(now=now)
    return sent_kinds()


def test_of_two_that_wait_one_goes_and_the_other_on_the_next_day(harbor, course, sink):
    add(course, "recorded")
    add(course, "book-1")
    assert len(deliver()) == 1
    assert len(deliver(NOW + dt.timedelta(hours=3))) == 1
    assert len(deliver(local(harbor, TODAY + days(1), 9))) == 2


def test_what_takes_something_back_goes_first(course, sink):
    add(course, "book-1")
    add(course, "changed", corrects=told(course, at=NOW - days(2)), visit_at=NOW + days(9))
    assert deliver()[-1] == "changed"
    assert Reminder.objects.get(kind="book-1", accepted_at=None).state == State.PLANNED


def test_the_day_before_comes_beside_another_one(harbor, rosa, sink):
    course = due_course(harbor, rosa, due_in=10)
    visit = book(course, rosa, TODAY + days(1))
    course.refresh_from_db()
    add(course, "book-1")
    add(course, "day-before", appointment=visit, visit_at=visit.starts_at)
    assert sorted(deliver()) == ["book-1", "day-before"]


def test_the_day_is_the_recipients_own(harbor, rosa, sink):
    course = due_course(harbor, rosa, due_in=60, time_zone="Pacific/Auckland")
    sent = add(course, "recorded")
    outbox.deliver(now=local(harbor, TODAY, 16))  # 9 a.m. on the day after, in Auckland
    sent.refresh_from_db()
    assert sent.sent_on == TODAY + days(1)


def test_a_helper_has_days_of_their_own(course, sink):
    helper = Helper.objects.create(
        patient=course.patient, name="Hal", email="hal@example.org", invited_at=NOW, accepted_at=NOW
    )
    add(course, "book-1")
    add(course, "book-1", helper=helper, recipient=helper.recipient)
    deliver()
    assert sorted(one.rcpt_tos[0] for one in sink.envelopes) == [
        "ana@example.org",
        "hal@example.org",
    ]


def test_what_surely_did_not_go_takes_up_no_day(course, sink):
    add(course, "recorded")
    sink.answer["RCPT"] = "450 later"
    deliver()
    assert Reminder.objects.get().sent_on is None


def test_what_may_have_gone_does(course, sink):
    add(course, "recorded")
    sink.answer["DATA"] = "take and hang up"
    deliver()
    sink.answer.clear()
    add(course, "book-1")
    assert deliver() == []
    assert Reminder.objects.get(kind="recorded").sent_on == TODAY


def test_two_workers_that_both_saw_a_free_day_send_one_mail(course):
    """What the claim could not see the fence does: the database holds the day."""
    add(course, "recorded")
    [first] = outbox.claim(now=NOW, owner="one")
    add(course, "book-1")
    [second] = outbox.claim(now=NOW, owner="two")
    assert outbox.fence([rendered(first)], now=NOW) == {first.pk}
    assert outbox.fence([rendered(second)], now=NOW) == set()


def test_one_second_mail_does_not_hold_up_the_group(harbor, rosa, course):
    add(course, "recorded")
    [first] = outbox.claim(now=NOW, owner="one")
    add(course, "book-1")
    other = due_course(harbor, rosa, due_in=60, name="Ben")
    mine = add(other, "book-1")
    rows = outbox.claim(now=NOW, owner="two")
    outbox.fence([rendered(first)], now=NOW)
    assert outbox.fence([rendered(row) for row in rows], now=NOW) == {mine.pk}


def test_the_database_lets_nobody_have_two(course):
    add(course, "recorded", sent_on=TODAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        add(course, "book-1", sent_on=TODAY)


def test_recorded_and_booked_on_one_day_come_one_after_the_other(harbor, rosa, sink):
    course = due_course(harbor, rosa, due_in=0)
    give(course, rosa, TODAY, now=NOW)
    book(course, rosa, TODAY + days(184))
    for day in range(3):
        now = local(harbor, TODAY + days(day), 12)
        outbox.plan(now=now)
        outbox.deliver(now=now)
    assert sorted(sent_kinds()) == ["booked", "recorded"]
