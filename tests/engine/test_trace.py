"""R18: where each date comes from, as data."""

from schedules.engine.dates import Interval, months, weeks
from schedules.engine.regimens import BRIUMVI, OCREVUS_IV_24W, OCREVUS_SC
from tests.engine.saying import day, hold, restart, seen_on

AT_MONTH_END = ("2026-08-31 300", "2026-09-14 300")


def traced(today, *doses, **more):
    """{name: (rule, anchor, n, interval, overflow)}; every date of the forecast is checked."""
    found = seen_on(today, *doses, **more)
    for one in found.trace:
        assert one.regimen == found.regimen.name
        name, _, number = one.name.partition("-")
        held = found.projected[int(number) - 1] if number else getattr(found.next, name)
        assert one.on == held
    return {
        one.name: (one.rule, one.anchor.isoformat(), one.n, one.interval, one.overflow)
        for one in found.trace
    }


def days(count):
    return Interval(days=count)


def test_nothing_without_a_next_dose():
    assert traced("2026-06-01") == {}


def test_an_ordered_first_dose():
    assert traced("2026-06-01", ordered_for=day("2026-08-31")) == {
        "earliest": ("R2", "2026-08-31", 0, days(0), "none"),
        "due": ("R2", "2026-08-31", 0, days(0), "none"),
        "projected-1": ("R2", "2026-08-31", 0, days(0), "none"),
        "projected-2": ("R3", "2026-08-31", 1, days(14), "none"),
        "projected-3": ("R5", "2026-08-31", 1, months(6), "clamp"),
    }


def test_an_ordered_first_dose_in_one_part():
    found = traced("2026-06-01", ordered_for=day("2026-08-31"), regimen=OCREVUS_SC)
    assert found["projected-2"] == ("R5", "2026-08-31", 1, months(6), "clamp")
    assert found["projected-3"] == ("R5", "2026-08-31", 2, months(6), "clamp")


def test_the_second_part():
    assert traced("2026-09-01", "2026-08-31 300") == {
        "earliest": ("R3", "2026-08-31", 1, days(14), "none"),
        "due": ("R3", "2026-08-31", 1, days(14), "none"),
        "window_start": ("R3", "2026-09-14", -1, days(0), "none"),
        "window_end": ("R3", "2026-09-14", 1, days(7), "none"),
        "extended_from": ("R3", "2026-09-14", 1, days(14), "none"),
        "lapses_on": ("R3", "2026-08-31", 1, months(6), "clamp"),
        "projected-1": ("R3", "2026-08-31", 1, days(14), "none"),
        "projected-2": ("R5", "2026-08-31", 1, months(6), "clamp"),
        "projected-3": ("R5", "2026-08-31", 2, months(6), "clamp"),
    }


def test_a_second_part_so_late_that_it_pushes_what_follows():
    found = traced("2026-04-11", "2026-03-10 300")
    assert found["projected-1"] == ("R9", "2026-04-11", 0, days(0), "none")
    assert found["projected-2"] == ("R4", "2026-04-11", 1, months(5), "roll-forward")
    assert found["projected-3"] == ("R9", "2026-09-11", 1, months(6), "clamp")


def test_the_first_maintenance_dose():
    assert traced("2026-11-22", *AT_MONTH_END) == {
        "earliest": ("R4", "2026-09-14", 1, months(5), "roll-forward"),
        "due": ("R5", "2026-08-31", 1, months(6), "clamp"),
        "window_start": ("R7", "2027-02-28", -1, days(14), "none"),
        "window_end": ("R7", "2027-02-28", 1, days(14), "none"),
        "extended_from": ("R8", "2027-02-28", 1, days(28), "none"),
        "lapses_on": ("R8", "2026-09-14", 1, months(12), "clamp"),
        "projected-1": ("R5", "2026-08-31", 1, months(6), "clamp"),
        "projected-2": ("R5", "2026-08-31", 2, months(6), "clamp"),
        "projected-3": ("R5", "2026-08-31", 3, months(6), "clamp"),
    }


def test_a_later_maintenance_dose_on_its_line():
    found = traced("2027-03-05", *AT_MONTH_END, "2027-02-28 600")
    assert found["earliest"] == ("R6", "2027-02-28", 1, months(5), "roll-forward")
    assert found["due"] == ("R5", "2026-08-31", 2, months(6), "clamp")


def test_a_pushed_dose():
    found = traced("2026-04-20", "2026-03-10 300", "2026-04-14 300")
    pushed = ("R4", "2026-04-14", 1, months(5), "roll-forward")
    assert found["due"] == found["window_start"] == found["projected-1"] == pushed
    assert found["projected-2"] == ("R9", "2026-09-14", 1, months(6), "clamp")


def test_a_dose_whose_minimum_falls_on_its_nominal_day_is_not_pushed():
    found = traced("2026-05-01", "2026-03-10 300", "2026-04-10 300")
    assert found["earliest"] == ("R4", "2026-04-10", 1, months(5), "roll-forward")
    assert found["due"] == ("R5", "2026-03-10", 1, months(6), "clamp")


def test_a_course_counted_in_weeks_has_nothing_to_clamp():
    found = traced("2026-06-01", "2026-05-12 600", regimen=OCREVUS_IV_24W)
    assert found["earliest"] == ("R6", "2026-05-12", 1, weeks(20), "none")
    assert found["due"] == ("R5", "2026-05-12", 1, weeks(24), "none")
    assert found["lapses_on"][-1] == "clamp"


def test_a_first_date_after_a_hold():
    waiting = [hold("2026-10-01", "2026-11-30")]
    found = traced("2026-11-01", "2026-05-12 600", holds=waiting)
    assert found["projected-1"] == ("R10", "2026-11-30", 0, days(0), "none")
    assert found["projected-3"] == ("R9", "2026-11-30", 2, months(6), "clamp")


def test_a_late_dose_counts_from_the_day_it_is_asked_on():
    waiting = [hold("2026-11-01", "2026-11-20")]
    found = traced("2026-11-22", "2026-05-12 600", holds=waiting)
    assert found["projected-1"] == ("R9", "2026-11-22", 0, days(0), "none")


def test_a_lapsed_course_has_no_projection():
    assert "projected-1" not in traced("2027-06-01", "2026-05-12 600")


def test_a_restart_in_two_parts():
    chosen = [restart("2026-12-01", "split")]
    given = ("2025-09-18 450", "2026-12-07 150")
    found = traced("2026-12-08", *given, restarts=chosen, regimen=BRIUMVI)
    assert found["due"] == ("R3", "2026-12-07", 1, days(14), "none")
    whole = traced("2026-12-22", *given, "2026-12-21 450", restarts=chosen, regimen=BRIUMVI)
    assert whole["earliest"] == ("R4", "2026-12-21", 1, months(5), "roll-forward")


def test_a_trace_says_itself_on_one_line():
    earliest, due, *_ = seen_on("2026-06-01", ordered_for=day("2026-08-31")).trace
    assert str(due) == "due 2026-08-31 = 2026-08-31 (R2, overflow: none, ocrevus-iv 2026-11)"
    earliest, *_ = seen_on("2026-06-01", "2026-05-12 600").trace
    assert str(earliest) == (
        "earliest 2026-10-12 = 2026-05-12 + 1 x 5 months "
        "(R6, overflow: roll-forward, ocrevus-iv 2026-11)"
    )
