"""The rows that the facts call for: never two, never one that is no longer true."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reminders import outbox, rules
from reminders.models import Heartbeat, Kind, Reminder, State
from reminders.outbox.places import places
from reminders.outbox.windows import Look, batches_of
from schedules import actions
from schedules.models import Appointment, Course, Patient, StopReason
from tests.cast import NOW, TODAY, book, days, give, make_clinic, make_patient, make_staff

from .conftest import (
    due_course,
    kinds,
    local,
    many_due_courses,
    only_row,
    sent_kinds,
    states,
)

pytestmark = pytest.mark.django_db


def hours(number: int) -> dt.timedelta:
    return dt.timedelta(hours=number)


def plan(now: dt.datetime = NOW) -> list[str]:
    outbox.plan(now=now)
    return kinds()


@pytest.mark.parametrize(
    ("due_in", "expected"),
    [(71, []), (70, ["book-1"]), (42, ["book-2"]), (21, ["book-3"]), (0, ["book-3"]),
     (-3, ["overdue-1"]), (-21, ["overdue-2"]), (-42, ["overdue-3"]), (-70, [])],
)  # fmt: skip
def test_each_due_date_gets_the_reminder_of_its_day(harbor, rosa, due_in, expected):
    due_course(harbor, rosa, due_in=due_in)
    assert plan() == expected


def test_planning_twice_makes_one_row(harbor, rosa):
    due_course(harbor, rosa, due_in=60)
    assert outbox.plan(now=NOW) == 1
    assert outbox.plan(now=NOW) == 0
    assert plan(NOW + days(1)) == ["book-1"]


def test_a_row_that_somebody_else_just_added_is_no_error(harbor, rosa):
    due_course(harbor, rosa, due_in=60)
    looked_at = [one for place in places() for one in batches_of(place, Look(NOW))]
    [batch] = [one for one in looked_at if one.missing()]
    outbox.plan(now=NOW)
    assert batch.add(NOW) == 0
    assert Reminder.objects.count() == 1


def test_a_row_is_due_when_its_window_opens(harbor, rosa):
    due_course(harbor, rosa, due_in=70)
    outbox.plan(now=local(harbor, TODAY, 1))
    row = only_row()
    assert row.next_at == local(harbor, TODAY, 9)
    assert row.not_after == local(harbor, TODAY + days(27), 17)


def test_the_policy_and_the_table_know_the_same_kinds():
    assert set(rules.KINDS) == set(Kind.values)


def test_the_clinics_own_numbers_count(harbor, rosa):
    harbor.booking_opens_days, harbor.late_after_days = 90, 10
    harbor.save()
    due_course(harbor, rosa, due_in=85, name="Ana")
    due_course(harbor, rosa, due_in=-9, name="Ben")
    due_course(harbor, rosa, due_in=-10, name="Carla")
    assert plan() == ["book-1", "book-3", "overdue-1"]


def test_a_patient_far_from_the_clinic_goes_by_their_own_clock(harbor, rosa):
    due_course(harbor, rosa, due_in=70, time_zone="Pacific/Auckland")
    outbox.plan(now=local(harbor, TODAY - days(1), 18))  # TODAY, 11 a.m. in Auckland
    assert kinds() == ["book-1"]


def test_a_patient_without_an_address_gets_no_row(harbor, rosa):
    due_course(harbor, rosa, due_in=60, email="")
    due_course(harbor, rosa, due_in=60, name="Ben", wants_reminders=False)
    assert plan() == []


def test_a_stopped_course_gets_no_row(harbor, rosa):
    course = due_course(harbor, rosa, due_in=60)
    actions.stop_course(
        course=course, actor=rosa, now=NOW, stopped_on=TODAY, reason=StopReason.MOVED
    )
    assert plan() == []


class TestWhatNoLongerApplies:
    @pytest.fixture
    def course(self, harbor, rosa) -> Course:
        course = due_course(harbor, rosa, due_in=10)
        outbox.plan(now=NOW)
        assert states() == {"book-3": State.PLANNED}
        return course

    def test_recording_the_infusion_cancels_the_request_to_book(self, course, rosa):
        give(course, rosa, TODAY, now=NOW)
        plan()
        assert states() == {"book-3": State.CANCELLED, "recorded": State.PLANNED}

    def test_booking_cancels_the_request_to_book(self, course, rosa):
        book(course, rosa, TODAY + days(30))
        plan()
        assert states() == {"book-3": State.CANCELLED, "booked": State.PLANNED}

    def test_stopping_cancels(self, course, rosa):
        actions.stop_course(
            course=course, actor=rosa, now=NOW, stopped_on=TODAY, reason=StopReason.OTHER
        )
        plan()
        assert states() == {"book-3": State.CANCELLED}

    def test_asking_for_no_reminders_suppresses(self, course):
        course.patient.wants_reminders = False
        course.patient.save()
        plan()
        assert states() == {"book-3": State.SUPPRESSED}

    def test_a_row_in_a_workers_hand_is_cancelled_too(self, course, rosa):
        outbox.claim(now=NOW, owner="worker")
        book(course, rosa, TODAY + days(30))
        plan()
        assert states() == {"book-3": State.CANCELLED, "booked": State.PLANNED}

    def test_a_window_that_closed_expires_the_row(self, course):
        plan(NOW + days(13))
        assert states() == {"book-3": State.EXPIRED, "overdue-1": State.PLANNED}

    def test_a_visit_booked_and_cancelled_opens_the_row_again(self, course, rosa):
        visit = book(course, rosa, TODAY + days(30))
        plan()
        actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
        Course.objects.filter(pk=course.pk).update(next_due_on=course.next_due_on)
        plan()
        assert states() == {"book-3": State.PLANNED, "booked": State.CANCELLED}
        course.refresh_from_db()
        assert Reminder.objects.get(kind="book-3").due_version == course.due_version

    def test_what_was_sent_is_not_opened_again(self, course, rosa):
        Reminder.objects.update(state=State.CANCELLED, accepted_at=NOW)
        assert outbox.plan(now=NOW) == 0
        assert states() == {"book-3": State.CANCELLED}

    def test_what_was_twice_in_doubt_is_not_opened_again(self, course):
        Reminder.objects.update(state=State.CANCELLED, doubt=2)
        assert outbox.plan(now=NOW) == 0

    def test_reminders_wanted_again_open_the_row_again(self, course):
        Reminder.objects.update(state=State.SUPPRESSED)
        assert outbox.plan(now=NOW) == 1
        assert states() == {"book-3": State.PLANNED}

    def test_a_failed_row_is_left_to_people(self, course):
        Reminder.objects.update(state=State.FAILED)
        assert outbox.plan(now=NOW) == 0


class TestVisits:
    @pytest.fixture
    def course(self, harbor, rosa) -> Course:
        return due_course(harbor, rosa, due_in=10)

    def test_a_booked_visit_is_prepared_and_announced(self, course, rosa):
        book(course, rosa, TODAY + days(7))
        assert plan() == ["booked", "prepare"]
        assert plan(NOW + days(6)) == ["booked", "day-before", "prepare"]

    def test_the_day_before_is_from_ten_to_eight(self, harbor, course, rosa):
        visit = book(course, rosa, TODAY + days(1))
        plan(local(harbor, TODAY, 7))
        row = only_row()
        assert (row.appointment, row.due_on) == (visit, TODAY + days(1))
        assert row.next_at == local(harbor, TODAY, 10)
        assert row.not_after == local(harbor, TODAY, 20)

    def test_a_late_visit_is_still_on_its_day(self, course, rosa):
        book(course, rosa, TODAY + days(1), hour=23)  # the next day already in UTC
        plan()
        assert only_row().due_on == TODAY + days(1)

    def test_a_moved_visit_takes_its_reminders_along(self, course, rosa):
        visit = book(course, rosa, TODAY + days(1))
        plan()
        actions.move_visit(visit=visit, actor=rosa, now=NOW, starts_at=visit.starts_at + days(5))
        plan()
        assert states() == {
            "booked": State.PLANNED, "day-before": State.CANCELLED, "prepare": State.PLANNED
        }  # fmt: skip

    def test_a_visit_moved_away_and_back_keeps_one_row(self, course, rosa):
        visit = book(course, rosa, TODAY + days(1))
        plan()
        for shift in (days(20), days(-20)):
            visit = actions.move_visit(
                visit=visit, actor=rosa, now=NOW, starts_at=visit.starts_at + shift
            )
            plan()
        assert states() == {"booked": State.CANCELLED, "day-before": State.PLANNED}

    def test_a_visit_that_is_over_where_it_was_is_not_tomorrow_elsewhere(self, db):
        clinic = make_clinic("Far Clinic", time_zone="Pacific/Auckland")
        rosa = make_staff(clinic, "Rosa")
        course = due_course(clinic, rosa, due_in=10, time_zone="Pacific/Honolulu")
        visit = book(course, rosa, TODAY + days(1))
        assert plan(visit.starts_at + dt.timedelta(hours=2)) == []

    def test_who_wants_no_mail_hears_nothing_of_a_visit(self, course, rosa):
        book(course, rosa, TODAY + days(1))
        Patient.objects.update(wants_reminders=False)
        assert plan() == []


class TestRecords:
    @pytest.fixture
    def course(self, harbor, rosa) -> Course:
        return due_course(harbor, rosa, due_in=0)

    def test_the_note_waits_fifteen_minutes(self, course, rosa):
        give(course, rosa, TODAY, now=NOW)
        plan()
        assert only_row().next_at == NOW + dt.timedelta(minutes=15)

    def test_undone_in_time_nothing_is_sent(self, course, rosa):
        infusion = give(course, rosa, TODAY, now=NOW).infusion
        plan()
        actions.undo_infusion(infusion=infusion, actor=rosa, now=NOW + dt.timedelta(minutes=5))
        plan(NOW + dt.timedelta(minutes=20))
        assert states()["recorded"] == State.CANCELLED

    def test_booking_right_after_keeps_the_note(self, course, rosa):
        give(course, rosa, TODAY, now=NOW)
        plan()
        book(course, rosa, TODAY + days(184))
        plan()
        assert states()["recorded"] == State.PLANNED

    def test_history_from_elsewhere_sends_nothing(self, harbor, rosa):
        patient = make_patient(harbor, rosa)
        for back in (380, 366, 183):
            give(patient.course, rosa, TODAY - days(back), now=NOW)
        assert "recorded" not in plan()

    def test_only_the_latest_infusion_is_noted(self, course, rosa):
        give(course, rosa, TODAY, now=NOW)
        give(course, rosa, TODAY - days(2), 300, now=NOW)
        plan()
        assert only_row().due_on == TODAY

    @pytest.mark.parametrize("change", [{"wants_reminders": False}, {"email": ""}])
    def test_who_wants_no_mail_gets_no_note(self, course, rosa, change):
        give(course, rosa, TODAY, now=NOW)
        Patient.objects.update(**change)
        assert plan() == []

    def test_no_next_date_no_note(self, course, rosa):
        give(course, rosa, TODAY, now=NOW, outcome="partial")
        assert plan() == []

    def test_a_dose_to_be_repeated_at_once_sends_no_note_of_a_past_date(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=0)
        partial = {"outcome": "partial", "disposition": "repeat"}
        give(course, rosa, course.next_due_on, 250, now=NOW, **partial)
        assert "recorded" not in plan()

    def test_after_the_first_part_the_second_is_asked_for_the_next_day(self, harbor, rosa):
        patient = make_patient(harbor, rosa)
        give(patient.course, rosa, TODAY, 300, now=NOW)
        assert plan() == ["recorded"]
        assert plan(NOW + days(1)) == ["recorded", "second-visit"]


def test_a_day_without_a_worker_is_made_up_for(harbor, rosa):
    course = due_course(harbor, rosa, due_in=44)
    book(due_course(harbor, rosa, due_in=0, name="Ben"), rosa, TODAY + days(1))
    # Nobody plans on TODAY; two days later Ben's day-before would be untrue.
    assert plan(NOW + days(2)) == ["book-2"]
    assert only_row().course == course


def test_planning_asks_as_many_questions_for_one_as_for_thirty(harbor, rosa):
    many_due_courses(harbor, due_in=60, count=1)
    outbox.plan(now=NOW)  # from now on there are rows that could be void
    asked = []
    for count in (1, 30):
        many_due_courses(harbor, due_in=60, count=count, name=f"{count}-")
        with CaptureQueriesContext(connection) as questions:
            outbox.plan(now=NOW)
        asked.append(len(questions))
    assert asked[0] == asked[1]


def test_planning_leaves_a_sign_of_life(db):
    outbox.plan(now=NOW)
    outbox.plan(now=NOW + days(1))
    assert Heartbeat.objects.get().planned_at == NOW + days(1)


def test_a_visit_moved_within_its_day_is_told_anew_and_once(harbor, rosa, sink):
    course = due_course(harbor, rosa, due_in=5)
    visit = book(course, rosa, TODAY + days(1), 9)
    outbox.plan(now=NOW)
    outbox.deliver(now=NOW)
    actions.move_visit(visit=visit, actor=rosa, now=NOW, starts_at=visit.starts_at + hours(5))
    for later in range(1, 4):
        outbox.plan(now=NOW + hours(later))
        outbox.deliver(now=NOW + hours(later))
    assert sent_kinds() == ["day-before", "changed"]


@pytest.mark.parametrize(("days_since", "expected"), [(6, []), (8, ["overdue-1"])])
def test_a_missed_visit_silences_the_reminders_for_a_week_only(harbor, rosa, days_since, expected):
    course = due_course(harbor, rosa, due_in=-4)
    Appointment.objects.create(
        course=course, starts_at=NOW - days(days_since), booked_by=rosa, booked_at=NOW
    )
    assert plan() == expected
