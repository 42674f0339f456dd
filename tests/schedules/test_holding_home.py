"""What patients are told while infusions are on hold or on pause (state M)."""

import datetime as dt

import pytest

from schedules.models import HoldReason
from tests.cast import NOW, TODAY, book, days, give, signed_in

from .test_holding import DUE, hold
from .test_presenting import shown

PREGNANCY, VACCINE = HoldReason.PREGNANCY, HoldReason.VACCINE


@pytest.fixture
def course(ben):
    """Due on April 10, 2026."""
    return ben.course


def test_a_pause_says_since_when_and_when_somebody_looks_again(course, rosa):
    hold(course, rosa, TODAY - days(2), reason=PREGNANCY, review_on=dt.date(2026, 9, 1))
    state = shown(course)
    said = (state.letter, state.kind, state.tag, state.big, state.call)
    assert said == ("M", "paused", "On pause", "Infusions on pause", "Call with a question")
    assert state.text == (
        "Your care team paused your infusions on March 10, 2026.",
        "They plan to look at this again on September 1, 2026.",
        "We will not send reminders while you are on pause.",
    )


@pytest.mark.parametrize("review_on", [None, TODAY - days(1)])
def test_no_review_ahead_is_promised_where_there_is_none(course, rosa, review_on):
    hold(course, rosa, TODAY - days(2), reason=PREGNANCY, review_on=review_on)
    assert shown(course).text[1] == "They will tell you when they plan to start again."


def test_a_hold_says_so_and_keeps_its_reason_to_itself(course, rosa):
    hold(course, rosa, note="Shingles")
    state = shown(course)
    assert (state.letter, state.tag, state.big) == ("M", "On hold", "Infusions on hold")
    assert state.text == (
        "Your care team put your infusions on hold on March 12, 2026.",
        "They will tell you when they plan to start again.",
        "We will not send reminders while they are on hold.",
    )


@pytest.mark.parametrize(
    ("reason", "lead"), [(VACCINE, "On hold until"), (PREGNANCY, "On pause until")]
)
def test_a_known_end_is_the_date_of_the_page(course, rosa, reason, lead):
    hold(course, rosa, ends_on=dt.date(2026, 4, 2), reason=reason)
    state = shown(course)
    assert (state.lead, state.big, state.when) == (lead, "April 2, 2026", "in 3 weeks")
    told = "From April 2, 2026 on you can have your infusion. It is due around April 10, 2026."
    assert state.text[1] == told


def test_an_end_after_the_due_date_is_said_once(course, rosa):
    hold(course, rosa, ends_on=DUE + days(9))
    assert shown(course).text[1] == "From April 19, 2026 on you can have your infusion."


def test_of_several_the_pause_gives_the_words_and_the_last_the_end(course, rosa):
    hold(course, rosa, ends_on=TODAY + days(5), reason=PREGNANCY)
    hold(course, rosa, TODAY - days(1), ends_on=TODAY + days(9))
    state = shown(course)
    assert (state.tag, state.day) == ("On pause", TODAY + days(9))
    assert "March 11, 2026" in state.text[0]
    hold(course, rosa, reason=VACCINE)
    assert shown(course).day is None


def test_a_visit_after_the_hold_stays_and_is_told(course, rosa):
    book(course, rosa, DUE)
    hold(course, rosa, ends_on=DUE)
    assert shown(course).text[1:3] == (
        "From April 10, 2026 on you can have your infusion.",
        "Your visit on April 10, 2026 at 9:00 a.m. stays booked.",
    )


def test_a_visit_inside_the_hold_is_not_dropped_in_silence(course, rosa):
    book(course, rosa, DUE)
    hold(course, rosa)
    assert shown(course).text[2] == "We will call you about your visit on April 10, 2026."


def test_before_a_first_date_it_is_told_too(ana, rosa):
    hold(ana.course, rosa, reason=HoldReason.AUTHORIZATION)
    assert shown(ana.course).letter == "M"


def test_it_comes_before_the_question_about_a_visit_and_after_missing_data(course, rosa):
    book(course, rosa, TODAY - days(1), now=NOW - days(9))
    hold(course, rosa)
    assert shown(course).letter == "M"
    give(course, rosa, TODAY, 250, now=NOW, outcome="partial")
    assert shown(course).letter == "O"


@pytest.mark.parametrize("ahead", [-9, 9])
def test_a_hold_before_or_ahead_changes_nothing_today(course, rosa, ahead):
    hold(course, rosa, TODAY + days(ahead), TODAY + days(ahead + 1))
    assert shown(course).letter == "E"


def test_the_page_explains_no_date_that_it_does_not_show(clock, course, rosa):
    hold(course, rosa)
    page = signed_in(course.patient.user).get("/home/").content.decode()
    assert "Infusions on hold" in page
    assert "Why this date?" not in page
    nurse = signed_in(rosa).get(f"/staff/patients/{course.patient_id}/").content.decode()
    assert "Why this date?" in nurse
