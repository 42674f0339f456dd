"""How pages say dates, times and statuses."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import timezone

from schedules.templatetags import tracker

TODAY = dt.date(2026, 3, 10)
NEW_YORK = ZoneInfo("America/New_York")


def at(*parts):
    """A moment in UTC."""
    return dt.datetime(*parts, tzinfo=dt.UTC)


def render(page, **context):
    return engines["django"].from_string("{% load tracker %}" + page).render(context)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "today"),
        (1, "tomorrow"),
        (-1, "yesterday"),
        (2, "in 2 days"),
        (13, "in 13 days"),
        (-12, "12 days ago"),
        (14, "in 2 weeks"),
        (20, "in 3 weeks"),
        (-21, "3 weeks ago"),
        (59, "in 8 weeks"),
        (60, "in 2 months"),
        (184, "in 6 months"),
        (-365, "12 months ago"),
    ],
)
def test_a_distance_is_said_in_the_unit_people_use(days, words):
    assert tracker.in_words(TODAY + dt.timedelta(days=days), TODAY) == words


def test_a_date_has_its_weekday_and_its_year():
    assert tracker.long_date(TODAY) == "Tuesday, March 10, 2026"


def test_a_moment_has_the_date_of_the_current_zone():
    with timezone.override(NEW_YORK):
        assert tracker.long_date(at(2026, 3, 11, 3, 59)) == "Tuesday, March 10, 2026"
        assert tracker.in_words(at(2026, 3, 11, 3, 59), TODAY) == "today"


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (13, 0, "9:00 a.m."),
        (16, 0, "noon"),
        (4, 0, "midnight"),
        (16, 5, "12:05 p.m."),
        (21, 30, "5:30 p.m."),
    ],
)
def test_a_time_is_said_as_on_a_clock(hour, minute, words):
    with timezone.override(NEW_YORK):
        assert tracker.clock(at(2026, 3, 10, hour, minute)) == words


def test_a_time_follows_the_summer_clock():
    with timezone.override(NEW_YORK):
        # Clocks went forward on March 8, 2026, at 2:00 a.m.
        assert tracker.clock(at(2026, 3, 8, 6, 59)) == "1:59 a.m."
        assert tracker.clock(at(2026, 3, 8, 7, 0)) == "3:00 a.m."


@pytest.mark.parametrize("say", [tracker.long_date, tracker.clock])
def test_nothing_is_said_of_no_date(say):
    assert say(None) == ""


def test_nothing_is_said_of_no_distance():
    assert tracker.in_words(None, TODAY) == ""


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("(555) 010-0199", "5550100199"),
        ("+1 555.010.0199", "+15550100199"),
        ("555 010 0199 ext. 4", "5550100199"),
        ("555-010-0199, option 2", "5550100199"),
    ],
)
def test_a_phone_number_can_be_dialled(phone, number):
    assert tracker.tel(phone) == number


@pytest.mark.parametrize("hours", ["8 a.m. to 5 p.m.", "Weekdays 8 to 5"])
def test_a_sentence_ends_with_one_full_stop(hours):
    assert tracker.sentence(hours) == hours.rstrip(".") + "."


def test_an_icon_is_hidden_from_screen_readers():
    assert 'aria-hidden="true"' in render('{% icon "clock" %}')


@pytest.mark.parametrize("kind", tracker.STATUS_ICONS)
def test_a_status_is_a_word_and_an_icon(kind):
    page = render("{% status_tag kind word %}", kind=kind, word="Late <9> days")
    assert f'class="status status-{kind}"' in page
    assert "<svg" in page
    assert "Late &lt;9&gt; days" in page


def test_a_page_without_a_form_has_no_summary():
    assert render("{% error_summary form %}") == ""


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (45, "45 minutes"),
        (60, "1 hour"),
        (61, "1 hour 1 minute"),
        (300, "5 hours"),
        (345, "5 hours 45 minutes"),
    ],
)
def test_a_length_of_time_is_said_in_hours_and_minutes(minutes, words):
    assert tracker.duration(minutes) == words
