"""R5, R6 and section 6 of the rules: due dates clamp, minimum gaps roll forward."""

import datetime as dt

import pytest
from dateutil.relativedelta import relativedelta

from schedules.engine.dates import Interval, add_days, due_add, min_add, months, weeks
from tests.engine.saying import day

MONTH_ENDS = [
    # start, months, due, minimum
    ("2026-08-31", 6, "2027-02-28", "2027-03-01"),
    ("2027-08-31", 6, "2028-02-29", "2028-03-01"),
    ("2026-09-30", 5, "2027-02-28", "2027-03-01"),
    ("2027-09-30", 5, "2028-02-29", "2028-03-01"),
    ("2026-09-29", 5, "2027-02-28", "2027-03-01"),
    ("2027-09-29", 5, "2028-02-29", "2028-02-29"),
    ("2026-01-31", 5, "2026-06-30", "2026-07-01"),
    ("2026-12-31", 6, "2027-06-30", "2027-07-01"),
    ("2010-08-31", 6, "2011-02-28", "2011-03-01"),  # the CDSi specification's own example
]


class TestAddingMonths:
    @pytest.mark.parametrize(("start", "count", "due", "_"), MONTH_ENDS)
    def test_a_due_date_stays_in_a_short_month(self, start, count, due, _):
        assert due_add(day(start), months(count)) == day(due)

    @pytest.mark.parametrize(("start", "count", "_", "minimum"), MONTH_ENDS)
    def test_a_minimum_gap_rolls_over_a_short_month(self, start, count, _, minimum):
        assert min_add(day(start), months(count)) == day(minimum)

    def test_a_day_that_every_month_has_is_kept_by_both(self):
        assert due_add(day("2026-03-10"), months(5)) == day("2026-08-10")
        assert min_add(day("2026-03-10"), months(5)) == day("2026-08-10")

    def test_a_year_after_the_leap_day(self):
        assert due_add(day("2028-02-29"), months(12)) == day("2029-02-28")
        assert min_add(day("2028-02-29"), months(12)) == day("2029-03-01")

    def test_the_year_2100_has_no_leap_day(self):
        assert due_add(day("2099-08-31"), months(6)) == day("2100-02-28")

    def test_two_steps_at_once_do_not_drift(self):
        assert due_add(day("2026-08-31"), months(6) * 2) == day("2027-08-31")


def every_day(first, last):
    numbers = range(dt.date(first, 1, 1).toordinal(), dt.date(last + 1, 1, 1).toordinal())
    return map(dt.date.fromordinal, numbers)


def same_as_dateutil(first, last):
    """How many sums were the same, for every day of the years `first` to `last`."""
    spans = [(months(count), relativedelta(months=count)) for count in (-7, 1, 5, 6, 12, 606)]
    found = [
        due_add(one, ours) == one + theirs
        for one in every_day(first, last)
        for ours, theirs in spans
    ]
    assert all(found)
    return len(found)


class TestAddingMonthsAsDateutilDoes:
    @pytest.mark.parametrize(("first", "last"), [(1899, 1900), (2023, 2024), (2096, 2100)])
    def test_on_every_day_around_leap_years(self, first, last):
        assert same_as_dateutil(first, last) > 4_000

    @pytest.mark.long
    def test_on_every_day_from_1900_to_2200(self):
        assert same_as_dateutil(1900, 2200) > 600_000


class TestAddingWeeksAndDays:
    def test_24_weeks_are_168_days(self):
        assert due_add(day("2026-05-12"), weeks(24)) == day("2026-10-27")

    def test_weeks_know_no_month_ends(self):
        assert min_add(day("2026-08-31"), weeks(24)) == day("2027-02-15")

    def test_a_leap_day_is_a_day_like_any_other(self):
        assert due_add(day("2028-02-28"), weeks(1)) == day("2028-03-06")

    def test_days_may_be_taken_away(self):
        assert add_days(day("2028-03-01"), -1) == day("2028-02-29")


class TestAnInterval:
    @pytest.mark.parametrize(
        ("interval", "words"),
        [(months(6), "6 months"), (weeks(24), "24 weeks"), (Interval(days=10), "10 days")],
    )
    def test_says_itself_in_the_unit_it_was_given_in(self, interval, words):
        assert str(interval) == words

    def test_multiplies_in_its_unit(self):
        assert (months(6) * 3, weeks(24) * 2) == (months(18), weeks(48))


@pytest.mark.parametrize("add", [due_add, min_add])
def test_a_sum_outside_the_calendar_is_an_error(add):
    with pytest.raises((ValueError, OverflowError)):
        add(dt.date.max, months(5))
    with pytest.raises(OverflowError):
        add(dt.date.max, weeks(20))
