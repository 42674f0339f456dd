"""Copies for helpers: what the patient gets, they get, from the day they said yes."""

import datetime as dt

import pytest
from django.db.models import F

from reminders import outbox
from reminders.models import DeadAddress, Heartbeat, Helper, Reminder, State
from schedules.models import Course
from tests.cast import NOW, TODAY, book, days

from .conftest import due_course, local

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(harbor, rosa) -> Course:
    return due_course(harbor, rosa, due_in=60)


@pytest.fixture
def hal(course) -> Helper:
    return Helper.objects.create(
        patient=course.patient, name="Hal", email="hal@example.org", invited_at=NOW - days(2),
        accepted_at=NOW - days(1),
    )  # fmt: skip


def planned() -> dict[str, str]:
    outbox.plan(now=NOW)
    return dict(Reminder.objects.values_list("recipient", "state"))


def test_who_said_yes_gets_a_copy_of_each_mail(course, hal, sink):
    assert planned() == {"patient": State.PLANNED, hal.recipient: State.PLANNED}
    assert outbox.deliver(now=NOW) == 2
    assert sorted(one.rcpt_tos[0] for one in sink.envelopes) == [
        "ana@example.org",
        "hal@example.org",
    ]
    assert len({mail["Message-ID"] for mail in sink.mails}) == 2


def test_what_has_changed_is_copied_within_the_minute(course, hal):
    Heartbeat.beat(planned_at=NOW, reviewed_at=NOW)
    assert outbox.tick(now=NOW + dt.timedelta(minutes=1)) == 2
    assert set(Reminder.objects.values_list("recipient", flat=True)) == {"patient", hal.recipient}


def test_planned_twice_there_is_one(course, hal):
    planned()
    assert outbox.plan(now=NOW) == 0


@pytest.mark.parametrize(
    "change",
    [{"accepted_at": None}, {"removed_at": NOW}, {"stops_booking": True}],
)
def test_who_did_not_say_yes_or_stopped_it_gets_none(course, hal, change):
    Helper.objects.update(**change)
    assert planned() == {"patient": State.PLANNED}


def test_what_was_sent_before_they_said_yes_is_not_copied(course, hal, sink):
    Helper.objects.update(accepted_at=None)
    planned()
    outbox.deliver(now=NOW)
    Helper.objects.update(accepted_at=NOW + days(1))
    outbox.plan(now=NOW + days(1))
    assert Reminder.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "copies"),
    [
        ({"state": State.ACCEPTED}, 1),
        ({"state": State.ACCEPTED, "due_version": F("due_version") - 1}, 0),
        ({"state": State.ACCEPTED, "not_after": NOW}, 0),
        ({"state": State.FAILED}, 0),
    ],
)
def test_what_went_after_they_said_yes_is_copied_while_it_is_true(course, hal, change, copies):
    Helper.objects.update(accepted_at=None)
    planned()
    Helper.objects.update(accepted_at=NOW)
    Reminder.objects.update(accepted_at=NOW, **change)
    outbox.plan(now=NOW)
    assert Reminder.objects.filter(helper=hal).count() == copies


def test_each_mail_about_a_visit_is_copied(course, hal, rosa):
    Course.objects.update(next_due_on=TODAY + days(10), next_earliest_on=TODAY)
    course.refresh_from_db()
    book(course, rosa, TODAY + days(7))
    planned()
    outbox.plan(now=NOW + days(6))
    copied = Reminder.objects.filter(helper=hal).values_list("kind", flat=True)
    assert sorted(copied) == ["booked", "day-before", "prepare"]


def test_the_same_mail_about_another_date_is_copied_anew(course, hal):
    planned()
    Course.objects.update(
        next_due_on=TODAY + days(65), due_version=F("due_version") + 1, unplanned=True
    )
    outbox.plan(now=NOW)
    copied = Reminder.objects.filter(helper=hal).values_list("due_on", "state")
    assert sorted(copied) == [
        (TODAY + days(60), State.CANCELLED),
        (TODAY + days(65), State.PLANNED),
    ]


def test_a_copy_goes_when_its_mail_goes(course, hal):
    """Opened again as well, when the mail has new hours."""
    planned()
    Reminder.objects.update(state=State.SUPPRESSED, next_at=NOW - days(1), not_after=NOW)
    outbox.plan(now=NOW)
    mail, copy = Reminder.objects.order_by("pk").values("state", "next_at", "not_after")
    assert mail == copy
    assert copy["state"] == State.PLANNED
    assert copy["next_at"] == NOW


def test_removed_at_the_last_moment_they_hear_nothing(course, hal, sink):
    planned()
    Helper.objects.update(removed_at=NOW)
    assert outbox.deliver(now=NOW) == 1
    assert [one.rcpt_tos[0] for one in sink.envelopes] == ["ana@example.org"]


def test_an_address_that_mails_come_back_from_gets_none_the_patients_goes(course, hal, sink):
    planned()
    DeadAddress.objects.create(patient=course.patient, helper=hal, email=hal.email, found_at=NOW)
    assert outbox.deliver(now=NOW) == 1
    assert [one.rcpt_tos[0] for one in sink.envelopes] == ["ana@example.org"]


def test_what_is_no_longer_true_is_taken_from_both(course, hal, rosa):
    planned()
    book(course, rosa, TODAY + days(70))
    outbox.plan(now=NOW)
    rows = Reminder.objects.filter(kind="book-1")
    assert set(rows.values_list("state", flat=True)) == {State.CANCELLED}
    assert rows.count() == 2


def test_wanted_again_both_go(harbor, course, hal, sink):
    planned()
    Course.objects.filter(pk=course.pk).mark_unplanned()
    outbox.plan(now=NOW)
    assert set(Reminder.objects.values_list("state", flat=True)) == {State.PLANNED}
    assert outbox.deliver(now=local(harbor, TODAY, 12)) == 2


def test_one_helper_of_two_people_gets_what_is_each_ones(harbor, rosa, course, hal):
    other = due_course(harbor, rosa, due_in=60, name="Ben")
    planned()
    assert not Reminder.objects.filter(patient=other.patient, helper__isnull=False).exists()
    assert Reminder.objects.get(helper=hal).patient == course.patient
