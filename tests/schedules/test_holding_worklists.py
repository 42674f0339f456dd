"""Where people on hold or on pause are found, and when somebody looks at them again."""

import datetime as dt

import pytest

from schedules import actions
from schedules.models import HoldReason
from tests.cast import TODAY, book, days, give, make_patient

from .test_holding import DUE, hold, release, void
from .test_worklists import lists_of, rows


def at(day: dt.date) -> dt.datetime:
    """11 a.m. at the clinic, in summer."""
    return dt.datetime.combine(day, dt.time(15), dt.UTC)


@pytest.fixture
def course(ben):
    """Due on April 10, 2026."""
    return ben.course


def test_nobody_is_late_or_due_while_held(course, ana, rosa):
    assert (lists_of(course), lists_of(ana.course)) == ({"due"}, {"due"})
    for one in (course, ana.course):
        hold(one, rosa, review_on=DUE + days(30))
        assert lists_of(one) == set()
    assert lists_of(course, at(DUE + days(9))) == set()


def test_the_first_day_allowed_again_brings_them_back(course, rosa):
    hold(course, rosa, ends_on=DUE + days(9))
    assert lists_of(course, at(DUE + days(8))) == set()
    assert lists_of(course, at(DUE + days(9))) == {"late"}


def test_a_hold_that_has_not_begun_keeps_nobody_off(course, rosa):
    hold(course, rosa, TODAY + days(1))
    assert lists_of(course) == {"due"}


@pytest.mark.parametrize("undone", [void, release])
def test_what_holds_no_more_keeps_nobody_off(course, rosa, undone):
    undone(hold(course, rosa), rosa)
    assert lists_of(course) == {"due"}


def test_on_the_review_date_somebody_looks_again(course, rosa):
    hold(course, rosa, review_on=TODAY + days(14), reason=HoldReason.PREGNANCY)
    assert lists_of(course, at(TODAY + days(13))) == set()
    (row,) = rows("check", [course.patient.clinic], at(TODAY + days(14)))
    assert (row.word, row.step) == ("Hold or pause: look again", "staff:patient")


def test_an_open_hold_without_a_review_date_is_not_forgotten(course, rosa):
    hold(course, rosa)
    assert lists_of(course, at(TODAY + days(27))) == set()
    (row,) = rows("check", [course.patient.clinic], at(TODAY + days(28)))
    assert row.word == "Hold or pause: still needed?"


@pytest.mark.parametrize("answer", ["ends_on", "review_on"])
def test_an_end_or_a_later_review_takes_it_off_the_list(course, rosa, answer):
    hold(course, rosa, **{answer: TODAY + days(90)})
    assert lists_of(course, at(TODAY + days(60))) == set()


def test_a_visit_inside_a_hold_is_to_be_moved_or_cancelled(course, rosa):
    visit = book(course, rosa, DUE)
    hold(course, rosa, DUE, DUE + days(1))
    (row,) = rows("check", [course.patient.clinic])
    assert (row.word, row.booked) == ("Visit while on hold", "April 10, 2026, 9:00 a.m.")
    actions.move_visit(visit=visit, actor=rosa, now=at(TODAY), starts_at=visit.starts_at + days(1))
    assert lists_of(course) == set()


def test_the_day_of_a_visit_is_the_clinics(hill, nils):
    """A visit at 5 p.m. in Los Angeles on April 10 is on April 11 in UTC."""
    course = make_patient(hill, nils).course
    give(course, nils, dt.date(2025, 10, 10))
    book(course, nils, DUE, 17)
    hold(course, nils, DUE + days(1))
    assert lists_of(course) == set()


def test_stopped_people_are_looked_at_no_more(course, rosa):
    hold(course, rosa, review_on=TODAY)
    course.stopped_on = TODAY
    course.save()
    assert lists_of(course) == set()
