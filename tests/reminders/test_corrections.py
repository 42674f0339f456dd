"""A date that a correction moved is told once, to those who had been told the old one."""

import datetime as dt

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from reminders import outbox
from reminders.models import Kind, Reminder, State
from reminders.outbox.corrections import owed
from reminders.outbox.wanted import add
from reminders.stopping import clinic_days, open_to_mail
from schedules import actions
from schedules.models import Appointment, Course
from tests.cast import NOW, TODAY, days, give

from .conftest import due_course, hold, kinds, only_row, put_right, states, told

pytestmark = pytest.mark.django_db

WAIT = dt.timedelta(minutes=15)
A, B, C = (TODAY + days(number) for number in (150, 160, 170))
AGO = NOW - days(9)


@pytest.fixture
def course(harbor, rosa) -> Course:
    """Due on A, far enough off that nothing else is to be said."""
    return due_course(harbor, rosa, due_in=150)


@pytest.fixture
def knows(course) -> Reminder:
    """The mail that told A."""
    return told(course, A, at=AGO)


def moved() -> list[Reminder]:
    return list(Reminder.objects.filter(kind=Kind.DATE_MOVED).order_by("pk"))


def run(now: dt.datetime = NOW) -> None:
    outbox.plan(now=now)
    outbox.deliver(now=now)


def texts(sink) -> list[str]:
    return [" ".join(one.get_body(("plain",)).get_content().split()) for one in sink.mails]


def told_dates(sink) -> list[tuple[str, str]]:
    """From each mail about a moved date: the day of the year told before, and the right one."""
    found = []
    for text in texts(sink):
        before = text.partition("We told you ")[2].partition(". ")[0]
        found.append((before, text.partition("The right date is ")[2].partition(". ")[0]))
    return found


def visit_on(course: Course, nurse, day: dt.date) -> None:
    """Booked, and the due date stays where these tests put it."""
    starts_at = dt.datetime.combine(day, dt.time(14), dt.UTC)
    Appointment.objects.create(course=course, starts_at=starts_at, booked_by=nurse, booked_at=NOW)
    Course.objects.filter(pk=course.pk).update(due_version=F("due_version") + 1)


AT_A, AT_B, AT_C = "Sunday, August 9, 2026", "Wednesday, August 19, 2026", (
    "Saturday, August 29, 2026"
)  # fmt: skip


def test_who_was_told_hears_it_once_after_the_wait(course, knows, sink):
    put_right(course, B)
    run()
    [row] = moved()
    assert (row.corrects, row.due_on, row.next_at) == (knows, B, NOW + WAIT)
    assert row.not_after == NOW + days(3)
    for later in range(4):
        run(NOW + WAIT + days(later) / 2)
    assert sink.subjects == ["We fixed a date in your record"]
    assert told_dates(sink) == [(AT_A, AT_B)]
    assert moved()[0].told_due_on == B


def test_a_mail_that_was_sent_remembers_the_date_it_told(harbor, rosa, sink):
    course = due_course(harbor, rosa, due_in=60)
    outbox.plan(now=NOW)
    assert only_row().told_due_on is None
    outbox.deliver(now=NOW)
    assert only_row().told_due_on == course.next_due_on
    put_right(course, B)
    run(NOW + days(1))
    assert len(sink.mails) == 2


def test_planned_twice_the_second_finds_nothing_missing(course, knows):
    put_right(course, B)
    assert outbox.plan(now=NOW) == 1
    assert outbox.plan(now=NOW) == 0


def test_who_was_told_nothing_hears_nothing(course):
    put_right(course, B)
    assert outbox.plan(now=NOW) == 0


@pytest.mark.parametrize("state", [*State])
def test_only_a_mail_that_got_through_has_told(course, knows, state):
    Reminder.objects.update(state=state, not_after=NOW + days(1), next_at=NOW + days(1))
    put_right(course, B)
    outbox.plan(now=NOW)
    assert bool(moved()) == (state in {State.ACCEPTED, State.DELIVERED})


def test_a_mail_without_a_due_date_told_none(course, knows):
    Reminder.objects.update(told_due_on=None)
    put_right(course, B)
    assert outbox.plan(now=NOW) == 0


def test_who_was_told_another_date_since_hears_nothing_of_the_first(course, knows):
    told(course, B, at=AGO + days(1), kind="book-2")
    put_right(course, B)
    outbox.plan(now=NOW)
    assert moved() == []


def test_the_one_who_put_it_right_may_choose_not_to_write(course, knows):
    put_right(course, B, tell_patient=False)
    assert outbox.plan(now=NOW) == 0


@pytest.mark.parametrize("last_word", [True, False])
def test_of_several_moves_the_last_says_whether_to_write(course, knows, last_word):
    put_right(course, B, tell_patient=not last_word)
    put_right(course, C, tell_patient=last_word)
    outbox.plan(now=NOW)
    assert bool(moved()) == last_word


def test_several_moves_are_one_mail_from_the_first_to_the_last(course, knows, sink):
    put_right(course, B)
    run()
    put_right(course, C, at=NOW + WAIT / 2)
    run(NOW + WAIT / 2)
    run(NOW + WAIT)
    assert sink.mails == []
    run(NOW + WAIT / 2 + WAIT)
    assert told_dates(sink) == [(AT_A, AT_C)]


def test_moved_back_in_time_nothing_is_said(course, knows, sink):
    put_right(course, B)
    run()
    put_right(course, A, at=NOW + WAIT / 2)
    run(NOW + 2 * WAIT)
    assert states()["date-moved"] == State.CANCELLED
    assert sink.mails == []


def test_away_and_back_and_away_each_is_told_if_the_one_before_was(course, knows, sink):
    for number, to_on in enumerate((B, A, B)):
        put_right(course, to_on, at=NOW + days(number))
        run(NOW + days(number))
        run(NOW + days(number) + WAIT)
    assert told_dates(sink) == [(AT_A, AT_B), (AT_B, AT_A), (AT_A, AT_B)]
    assert len({row.message_id for row in moved()}) == 3


def test_a_date_taken_back_is_said_and_the_next_one_too(course, knows, sink):
    put_right(course, None)
    run(NOW + WAIT)
    put_right(course, B, at=NOW + days(1))
    run(NOW + days(1) + WAIT)
    first, second = texts(sink)
    assert f"We told you {AT_A}. That date no longer stands." in first
    assert f"We told you that your date no longer stood. The right date is {AT_B}." in second


def test_a_date_that_moved_on_for_another_reason_is_not_a_correction(course, knows, rosa):
    put_right(course, B)
    give(course, rosa, TODAY, now=NOW)
    outbox.plan(now=NOW)
    assert kinds() == ["book-1", "recorded"]


def test_after_three_days_it_is_of_no_use(course, knows):
    put_right(course, B, at=NOW - days(3))
    assert outbox.plan(now=NOW) == 0


def test_an_older_move_still_counts_for_what_was_told_before_it(course, knows, sink):
    put_right(course, B, at=NOW - days(5))
    put_right(course, C, at=NOW - WAIT)
    run()
    assert told_dates(sink) == [(AT_A, AT_C)]


@pytest.mark.parametrize("state", [State.FAILED, State.EXPIRED])
def test_what_could_not_be_brought_is_left_to_people(course, knows, state):
    put_right(course, B)
    outbox.plan(now=NOW)
    Reminder.objects.filter(kind=Kind.DATE_MOVED).update(state=state)
    assert outbox.plan(now=NOW) == 0


def test_a_change_that_moves_no_date_keeps_the_mail(course, knows, rosa, sink):
    put_right(course, B)
    outbox.plan(now=NOW)
    visit_on(course, rosa, B)
    outbox.plan(now=NOW)
    run(NOW + WAIT)
    assert told_dates(sink) == [(AT_A, AT_B)]
    assert "Your visit stays booked for" in texts(sink)[0]


def test_after_a_hold_it_is_said_if_it_is_still_of_use(course, knows, rosa, sink):
    hold(course, rosa, ends_on=TODAY + days(2))
    put_right(course, B)
    run(NOW + WAIT)
    assert sink.mails == []
    run(NOW + days(2))
    assert told_dates(sink) == [(AT_A, AT_B)]


def test_after_a_change_of_regimen_the_person_was_told_all_the_same(course, knows, sink):
    later = Course.objects.create(
        patient=course.patient, regimen_version="2026-11", continues=course,
        next_step="maintenance", regimen_code="ocrevus-sc",
        next_due_on=A, next_earliest_on=A - days(28),
    )  # fmt: skip
    Course.objects.filter(pk=course.pk).update(stopped_on=TODAY)
    put_right(later, B)
    run(NOW + WAIT)
    assert told_dates(sink) == [(AT_A, AT_B)]


class TestWhatElseIsToBeSaid:
    """The due date that follows from the correction lies in the window of another mail."""

    @pytest.fixture
    def soon(self, course, knows) -> dt.date:
        return TODAY + days(30)

    def test_it_waits_until_the_date_was_put_right(self, course, soon, sink):
        put_right(course, soon)
        run()
        assert sink.mails == []
        run(NOW + WAIT)
        run(NOW + days(1))
        assert [subject[:11] for subject in sink.subjects] == ["We fixed a ", "Please book"]

    def test_it_goes_if_that_could_not_be_brought(self, course, soon):
        put_right(course, soon)
        outbox.plan(now=NOW)
        Reminder.objects.filter(kind=Kind.DATE_MOVED).update(state=State.FAILED)
        outbox.plan(now=NOW)
        assert states()["book-2"] == State.PLANNED

    def test_it_goes_once_nobody_is_to_be_told_any_more(self, course, soon):
        put_right(course, soon, at=NOW - days(3))
        outbox.plan(now=NOW)
        assert kinds() == ["book-1", "book-2"]

    def test_a_visit_is_announced_at_once(self, course, soon, rosa):
        put_right(course, soon)
        visit_on(course, rosa, TODAY + days(1))
        outbox.plan(now=NOW)
        assert "day-before" in kinds()


class TestInDoubt:
    """Nobody knows yet which date was told last."""

    def in_the_air(self, state: State, **fields) -> None:
        Reminder.objects.filter(kind=Kind.BOOK_1).update(state=state, **fields)

    @pytest.mark.parametrize("state", [State.ON_WIRE, State.IN_DOUBT])
    def test_nothing_is_planned_until_it_is_known(self, course, knows, state):
        told(course, A, kind="book-2", at=NOW)
        self.in_the_air(state, next_at=NOW + days(1))
        put_right(course, TODAY + days(30))
        assert outbox.plan(now=NOW) == 0
        self.in_the_air(State.ACCEPTED)
        assert outbox.plan(now=NOW) == 1

    def test_a_mail_about_it_in_doubt_is_not_planned_anew(self, course, knows):
        put_right(course, B)
        outbox.plan(now=NOW)
        Reminder.objects.filter(kind=Kind.DATE_MOVED).update(state=State.IN_DOUBT, doubt=1)
        assert outbox.plan(now=NOW) == 0


def test_each_move_has_one_mail_however_often_it_is_planned(course, knows):
    put_right(course, B)
    [one] = owed(open_to_mail(clinic_days(NOW)), now=NOW)
    for _twice in range(2):
        add(one.wanted(), now=NOW)
    assert len(moved()) == 1


def test_many_moves_cost_hardly_more_queries_than_one(harbor, rosa):
    asked = []
    # The first time there are no rows yet that could be void.
    for names in (("One",), ("Two",), ("Three", "Four", "Five", "Six")):
        for name in names:
            course = due_course(harbor, rosa, due_in=150, name=name)
            told(course, at=AGO)
            put_right(course, B)
            put_right(course, C)
        with CaptureQueriesContext(connection) as questions:
            assert outbox.plan(now=NOW) == len(names)
        asked.append(len(questions))
    assert asked[1] == asked[2]


class TestTheNoteAboutAnInfusion:
    """Right, or not sent."""

    @pytest.fixture
    def given(self, course, rosa):
        return give(course, rosa, TODAY, now=NOW).infusion

    def test_a_date_given_that_is_put_right_thanks_nobody_twice(self, given, rosa, sink):
        run(NOW + WAIT)
        actions.correct_infusion(
            infusion=given, actor=rosa, now=NOW + 2 * WAIT, revision=given.revision, reason="x",
            given_on=TODAY - days(1),
        )  # fmt: skip
        for later in range(3):
            run(NOW + 3 * WAIT + days(later))
        found = ("Saturday, September 12, 2026", "Friday, September 11, 2026")
        assert told_dates(sink)[1:] == [found]
        assert sink.subjects == [
            "Your clinic record is up to date",
            "We fixed a date in your record",
        ]

    def test_put_right_before_it_left_it_says_what_is_right(self, course, given, sink):
        outbox.plan(now=NOW)
        type(given).objects.filter(pk=given.pk).update(given_on=TODAY - days(1))
        put_right(course, course.next_due_on - days(1), at=NOW)
        run(NOW + WAIT)
        assert sink.subjects == ["Your clinic record is up to date"]
        assert "due around Friday, September 11, 2026" in texts(sink)[0]

    def test_one_entered_by_mistake_takes_its_date_back(self, given, rosa, sink):
        run(NOW + WAIT)
        actions.void_infusion(
            infusion=given, actor=rosa, now=NOW + 2 * WAIT, revision=given.revision, reason="x"
        )
        run(NOW + 3 * WAIT)  # one mail a day: this one waits for tomorrow
        run(NOW + days(1))
        assert told_dates(sink)[1:] == [("Saturday, September 12, 2026", "Tuesday, March 10, 2026")]

    def test_nobody_is_thanked_for_an_infusion_elsewhere(self, given):
        type(given).objects.update(elsewhere=True)
        assert outbox.plan(now=NOW) == 0

    def test_while_the_rest_is_to_come_the_next_due_date_is_not_the_next_visit(self, given):
        type(given).objects.filter(pk=given.pk).update(
            outcome="partial", disposition="complete-remainder"
        )
        assert outbox.plan(now=NOW) == 0

    def test_one_that_was_not_given_is_nothing_to_note(self, given):
        type(given).objects.filter(pk=given.pk).update(outcome="not-done", dose_mg=0)
        assert outbox.plan(now=NOW) == 0


def test_a_change_of_regimen_repeats_no_mail(harbor, rosa):
    course = due_course(harbor, rosa, due_in=60)
    told(course)
    Course.objects.filter(pk=course.pk).update(stopped_on=TODAY)
    Course.objects.create(
        patient=course.patient, regimen_code="ocrevus-sc", regimen_version="2026-11",
        continues=course, next_step="maintenance", next_due_on=course.next_due_on,
        next_earliest_on=course.next_earliest_on,
    )  # fmt: skip
    assert outbox.plan(now=NOW) == 0
    Reminder.objects.update(state=State.CANCELLED, accepted_at=None)
    assert outbox.plan(now=NOW) == 1
    assert sorted(Reminder.objects.values_list("state", flat=True)) == ["CANCELLED", "PLANNED"]
