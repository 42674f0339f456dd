"""Who hears nothing: one rule for every kind of mail, before the plan, the claim and the fence."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from ocrevus_tracker.accounts.models import Membership, User
from reminders import outbox
from reminders.auditing import audit
from reminders.models import WITHOUT_COURSE, Kind, Reminder, State
from schedules import actions
from schedules.models import Appointment, Course, Patient
from tests.cast import NOW, TODAY, book, days, give, make_clinic, make_patient

from .conftest import due_course, hold, kinds, only_row, put_right, rendered, states, told

pytestmark = pytest.mark.django_db


DUE_IN = {"book-1": 60, "book-2": 30, "book-3": 10, "overdue-1": -5, "overdue-2": -30,
          "overdue-3": -50}  # fmt: skip


def course_for(kind: str, clinic, nurse) -> Course:
    """A course about which a mail of `kind` is to be sent."""
    if kind in DUE_IN:
        return due_course(clinic, nurse, due_in=DUE_IN[kind])
    if kind == Kind.SECOND_VISIT:
        course = make_patient(clinic, nurse).course
        give(course, nurse, TODAY - days(7), 300)
        return course
    course = due_course(clinic, nurse, due_in={"recorded": 0, "date-moved": 150}.get(kind, 10))
    HAPPENS[kind](course, nurse)
    return course


def _date_moved(course: Course, _nurse: User) -> None:
    told(course, at=NOW - days(9))
    put_right(course, TODAY + days(160))


def _known_visit(course: Course, nurse: User) -> Appointment:
    visit = book(course, nurse, TODAY + days(9))
    told(course, TODAY + days(9), kind=Kind.BOOKED, appointment=visit, visit_at=visit.starts_at,
         told_due_on=None, at=NOW - days(2))  # fmt: skip
    return visit


def _changed(course: Course, nurse: User) -> None:
    visit = _known_visit(course, nurse)
    later = visit.starts_at + days(1)
    actions.move_visit(visit=visit, actor=nurse, now=NOW, starts_at=later)


HAPPENS = {
    Kind.PREPARE: lambda course, nurse: book(course, nurse, TODAY + days(5)),
    Kind.DAY_BEFORE: lambda course, nurse: book(course, nurse, TODAY + days(1)),
    Kind.BOOKED: lambda course, nurse: book(course, nurse, TODAY + days(9)),
    Kind.CHANGED: _changed,
    Kind.CANCELLED: lambda course, nurse: actions.cancel_visit(
        visit=_known_visit(course, nurse), actor=nurse, now=NOW
    ),
    Kind.RECORDED: lambda course, nurse: give(course, nurse, TODAY, now=NOW),
    Kind.DATE_MOVED: _date_moved,
}


@pytest.fixture
def expecting(harbor, rosa) -> Callable[[str], Course]:
    """Makes a course that a mail of one kind is planned for, and ready to go."""

    def make(kind: str) -> Course:
        course = course_for(kind, harbor, rosa)
        outbox.plan(now=NOW)
        Reminder.objects.filter(kind=kind).update(next_at=NOW)
        assert states()[kind] == State.PLANNED
        return course

    return make


@pytest.fixture
def silence(rosa) -> dict[str, Callable[[], object]]:
    """What silences all mails about the only course. None of it changes its `due_version`."""

    def stop(**why: object) -> Callable[[], object]:
        return lambda: Course.objects.update(stopped_on=TODAY, **why)

    return {
        "hold": lambda: hold(Course.objects.get(), rosa),
        "pause": lambda: hold(Course.objects.get(), rosa, reason="pregnancy"),
        "stopped": stop(stop_reason="patient"),
        "died": stop(stop_reason="died"),
        "life-threatening": stop(stop_reason="reaction", contraindicated=True),
        "asked not to": lambda: Patient.objects.update(wants_reminders=False),
        "no address": lambda: Patient.objects.update(email=""),
    }


@contextmanager
def for_now() -> Iterator[None]:
    """What happens inside is undone at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def passes_the_fence(row: Reminder, now: dt.datetime = NOW) -> bool:
    return outbox.fence([rendered(row)], now=now) == {row.pk}


# An invitation to help and the clinic's own list have stop rules of their own.
ABOUT_A_COURSE = [kind for kind in Kind.values if kind not in WITHOUT_COURSE]
WHYS = ["hold", "pause", "stopped", "died", "life-threatening", "asked not to", "no address"]


@pytest.mark.parametrize(
    ("kind", "why"),
    [*((kind, "hold") for kind in ABOUT_A_COURSE), *(("book-1", why) for why in WHYS[1:])],
)
def test_each_kind_keeps_the_one_stop_rule(expecting, silence, kind, why):
    expecting(kind)
    with for_now():
        rows = outbox.claim(now=NOW, owner="worker")
        [row] = [one for one in rows if one.kind == kind]
        silence[why]()
        assert not passes_the_fence(row)
    silence[why]()
    assert outbox.claim(now=NOW, owner="worker") == []
    outbox.plan(now=NOW)
    assert not {State.PLANNED, State.CLAIMED} & set(states().values())
    Reminder.objects.filter(kind=kind).delete()
    assert audit(now=NOW)["due_without_row"] == 0


def test_nothing_in_the_way_it_goes(expecting):
    expecting("book-1")
    [row] = outbox.claim(now=NOW, owner="worker")
    assert passes_the_fence(row)


def test_a_mail_in_doubt_gets_no_second_copy_while_held(expecting, rosa):
    course = expecting("book-1")
    Reminder.objects.update(state=State.IN_DOUBT, doubt=1, next_at=NOW)
    hold(course, rosa)
    outbox.sweep(now=NOW)
    assert only_row().state == State.CANCELLED


class TestAHoldByTheCalendar:
    @pytest.fixture
    def course(self, harbor, rosa) -> Course:
        return due_course(harbor, rosa, due_in=60)

    def plan(self, now: dt.datetime = NOW) -> dict[str, str]:
        outbox.plan(now=now)
        return states()

    def test_begins_with_nobody_doing_anything(self, course, rosa):
        hold(course, rosa, starts_in=1)
        assert self.plan() == {"book-1": State.PLANNED}
        assert self.plan(NOW + days(1)) == {"book-1": State.CANCELLED}

    def test_ends_and_the_reminder_that_fits_then_goes(self, course, rosa):
        self.plan()
        hold(course, rosa, ends_on=TODAY + days(5))
        assert self.plan(NOW + days(4)) == {"book-1": State.CANCELLED}
        assert self.plan(NOW + days(5)) == {"book-1": State.PLANNED}

    def test_held_past_one_window_it_goes_on_with_the_next(self, course, rosa):
        self.plan()
        hold(course, rosa, ends_on=TODAY + days(30))
        self.plan()
        assert self.plan(NOW + days(30)) == {"book-1": State.CANCELLED, "book-2": State.PLANNED}

    def test_entered_by_mistake_it_is_none(self, course, rosa):
        hold(course, rosa, voided_at=NOW)
        assert self.plan() == {"book-1": State.PLANNED}

    def test_of_somebody_else_is_not_this_ones(self, harbor, course, rosa):
        hold(due_course(harbor, rosa, due_in=200, name="Ben"), rosa)
        assert self.plan() == {"book-1": State.PLANNED}

    def test_a_visit_after_it_is_announced_once_it_is_over(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=10)
        hold(course, rosa, ends_on=TODAY + days(3))
        book(course, rosa, TODAY + days(6))
        assert self.plan() == {}
        assert self.plan(NOW + days(3)) == {"prepare": State.PLANNED}
        assert self.plan(NOW + days(5))["day-before"] == State.PLANNED

    def test_a_visit_inside_it_is_not_announced(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=10)
        book(course, rosa, TODAY + days(5))
        self.plan()
        hold(course, rosa, ends_on=TODAY + days(9))
        for after in range(6):
            assert State.PLANNED not in self.plan(NOW + days(after)).values()


class TestWhoseDateItIs:
    """At NOW it is TODAY in New York, and the day after in Auckland."""

    def course(self, nurse, zone: str, **patient) -> Course:
        clinic = make_clinic(f"Clinic {zone}", time_zone=zone)
        Membership.objects.create(user=nurse, clinic=clinic)
        course = due_course(clinic, nurse, due_in=60, **patient)
        outbox.plan(now=NOW)
        Reminder.objects.update(next_at=NOW)
        return course

    @pytest.fixture(autouse=True)
    def at_any_hour(self, monkeypatch):
        monkeypatch.setattr(outbox.rows, "_wrong_hour", lambda *_: False)

    @pytest.mark.parametrize(
        ("zone", "patients_zone", "held"),
        [
            ("America/New_York", "", False),
            ("Pacific/Auckland", "", True),
            ("America/New_York", "Pacific/Auckland", False),
            ("Pacific/Auckland", "America/New_York", True),
        ],
    )
    def test_the_clinics_everywhere(self, harbor, rosa, zone, patients_zone, held):
        course = self.course(rosa, zone, time_zone=patients_zone)
        with for_now():
            [row] = outbox.claim(now=NOW, owner="worker")
            hold(course, rosa, starts_in=1)
            assert passes_the_fence(row) != held
        hold(course, rosa, starts_in=1)
        with for_now():
            assert (outbox.claim(now=NOW, owner="worker") == []) == held
        outbox.plan(now=NOW)
        assert (only_row().state == State.CANCELLED) == held
        Reminder.objects.all().delete()
        assert (outbox.plan(now=NOW) == 0) == held

    def test_two_clinics_each_have_their_own(self, rosa):
        for zone in ("America/New_York", "Pacific/Auckland"):
            hold(self.course(rosa, zone, name=zone[:3]), rosa, starts_in=1)
        [row] = outbox.claim(now=NOW, owner="worker")
        assert row.clinic.time_zone == "America/New_York"


class TestWhileAClinicianHasToDecide:
    @pytest.fixture
    def course(self, harbor, rosa) -> Course:
        """Stopped half-way today, with a visit tomorrow."""
        course = due_course(harbor, rosa, due_in=0)
        book(course, rosa, TODAY + days(1))
        give(course, rosa, TODAY, 250, now=NOW, outcome="partial")
        return course

    def test_nothing_goes_not_even_about_a_visit(self, course):
        outbox.plan(now=NOW)
        assert kinds() == []

    def test_a_change_of_regimen_decides_nothing(self, course):
        later = Course.objects.create(
            patient=course.patient, continues=course, regimen_code="ocrevus-sc",
            regimen_version="2026-11",
        )  # fmt: skip
        course.appointments.update(course=later)
        Course.objects.filter(pk=course.pk).update(stopped_on=TODAY)
        outbox.plan(now=NOW)
        assert kinds() == []

    def test_decided_the_visit_is_announced(self, course):
        course.infusions.filter(outcome="partial").update(disposition="repeat")
        outbox.plan(now=NOW)
        assert "day-before" in kinds()

    @pytest.mark.parametrize("unknown", ["day_known", "ordinal_known"])
    def test_what_is_half_known_silences_too(self, course, unknown):
        course.infusions.update(outcome="completed", elsewhere=True, **{unknown: False})
        outbox.plan(now=NOW)
        assert kinds() == []

    def test_a_mistake_that_was_voided_silences_nobody(self, course):
        course.infusions.update(voided_at=NOW)
        outbox.plan(now=NOW)
        assert "day-before" in kinds()

    def test_a_visit_without_a_due_date_is_announced_all_the_same(self, course):
        """As after a choice to give the first dose in two parts again."""
        course.infusions.update(outcome="completed")
        Course.objects.update(next_step="", next_due_on=None, next_earliest_on=None)
        outbox.plan(now=NOW)
        assert kinds() == ["day-before"]


def test_a_hold_costs_planning_no_query_more(harbor, rosa):
    asked = []
    for name in ("Ana", "Ben"):
        hold(due_course(harbor, rosa, due_in=60, name=name), rosa)
        with CaptureQueriesContext(connection) as questions:
            outbox.plan(now=NOW)
        asked.append(len(questions))
    assert asked[0] == asked[1]
