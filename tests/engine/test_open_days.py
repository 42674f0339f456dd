"""R16: the day to offer when the clinic is closed on the due day."""

import pytest

from schedules.engine.open_days import nearest_open_day
from tests.engine.saying import day, seen_on

WEEKEND = (5, 6)  # Saturday, Sunday
DUE = "2026-11-12"  # a Thursday; the window is 29 October to 26 November


def offered(*, closed=(), due=DUE, earliest="2026-10-12", window=("2026-10-29", "2026-11-26")):
    """The day offered; `closed` are days or (first, last) pairs, weekends are closed too."""
    shut = [one if isinstance(one, tuple) else (one, one) for one in closed]

    def is_open(one):
        closure = any(day(first) <= one <= day(last) for first, last in shut)
        return one.weekday() not in WEEKEND and not closure

    opens, closes = (one and day(one) for one in window)
    found = nearest_open_day(
        day(due), earliest=day(earliest), window_start=opens, window_end=closes, is_open=is_open
    )
    return found and found.isoformat()


def test_an_open_due_day_is_offered():
    assert offered() == DUE


def test_a_closed_due_day_gives_way_to_the_next_open_one():
    assert offered(closed=[DUE]) == "2026-11-13"


def test_weekends_and_closures_are_passed_over_together():
    assert offered(closed=[(DUE, "2026-11-16")]) == "2026-11-17"


def test_the_last_day_of_the_window_is_still_later_rather_than_earlier():
    assert offered(closed=[(DUE, "2026-11-25")]) == "2026-11-26"


def test_a_clinic_closed_to_the_end_of_the_window_offers_the_nearest_earlier_day():
    assert offered(closed=[(DUE, "2026-11-26")]) == "2026-11-11"
    assert offered(closed=[("2026-11-11", "2026-11-26")]) == "2026-11-10"


@pytest.mark.parametrize("earliest", ["2026-10-12", "2026-10-29"])
def test_the_first_day_of_the_window_is_the_last_resort(earliest):
    shut = [("2026-10-30", "2026-11-26")]
    assert offered(closed=shut, earliest=earliest) == "2026-10-29"


def test_a_day_before_the_window_is_never_offered():
    assert offered(closed=[("2026-10-29", "2026-11-26")]) is None


def test_a_day_before_the_earliest_is_never_offered():
    # A window that opens before the earliest day is none of the engine's, but a page might ask.
    shut = [("2026-11-02", "2026-11-26")]
    assert offered(closed=shut, earliest="2026-10-30") == "2026-10-30"
    assert offered(closed=shut, earliest="2026-11-02") is None


def test_a_pushed_dose_has_no_earlier_day():
    dose = seen_on("2026-04-20", "2026-03-10 300", "2026-04-14 300").next
    window = (dose.window_start.isoformat(), None)
    pushed = {"due": "2026-09-14", "earliest": "2026-09-14", "window": window}
    assert offered(**pushed, closed=[("2026-09-14", "2026-09-28")]) is None


def test_a_first_infusion_may_wait_two_weeks_and_is_never_before_its_order():
    first = {"due": DUE, "earliest": DUE, "window": (None, None)}
    assert offered(**first, closed=[(DUE, "2026-11-25")]) == "2026-11-26"
    assert offered(**first, closed=[(DUE, "2026-11-26")]) is None
