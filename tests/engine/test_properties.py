"""Laws that hold for every course, whatever was given when; hypothesis looks for a breach.

make test                                    some made-up courses for each law
pytest tests/engine -m long -s               50,000 for each
ENGINE_SEED=7 pytest tests/engine -m long -s the same ones again
"""

import datetime as dt
import os
import random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from schedules.engine.dates import add_days, due_add, min_add
from schedules.engine.forecast import forecast
from schedules.engine.history import Infusion, replay
from schedules.engine.regimens import REGIMENS

SEED = int(os.environ.get("ENGINE_SEED", "20261122"))
STATES = ["not_eligible", "eligible", "in_window", "late", "overdue", "extended", "lapsed"]
STARTS = st.dates(dt.date(2000, 1, 1), dt.date(2060, 12, 31))
GAPS = st.one_of(
    st.sampled_from([1, 13, 14, 28, 29, 140, 150, 151, 153, 167, 168, 181, 182, 183, 184, 365]),
    st.integers(1, 500),
)


@st.composite
def courses(draw):
    """(regimen, history, today): planned amounts, any gaps, today up to two years after."""
    regimen = draw(st.sampled_from(list(REGIMENS.values())))
    amounts = [one.dose_mg for one in regimen.initial] + [regimen.maintenance_mg] * 8
    day, history = draw(STARTS), []
    for amount in amounts[: draw(st.integers(1, len(amounts)))]:
        history.append(Infusion(day, amount))
        day = add_days(day, draw(GAPS))
    return regimen, history, add_days(history[-1].given_on, draw(st.integers(0, 730)))


def no_date_comes_before_the_minimum_gap(course):
    regimen, history, today = course
    found = forecast(regimen, history=history, today=today)
    if found.next.step != "maintenance":
        return
    gap, last = regimen.min_gap, history[-1].given_on
    assert found.next.earliest == min_add(last, gap)
    for before, after in zip((last, *found.projected), found.projected, strict=False):
        assert after >= min_add(before, gap)


def the_dates_are_in_order(course):
    regimen, history, today = course
    coming = forecast(regimen, history=history, today=today).next
    assert coming.earliest <= coming.window_start <= coming.due <= coming.window_end
    assert coming.window_end < coming.extended_from < coming.lapses_on


def the_order_of_entry_does_not_matter(course):
    regimen, history, today = course
    mixed = random.Random(len(history)).sample(history, len(history))
    assert forecast(regimen, history=mixed, today=today) == forecast(
        regimen, history=history, today=today
    )


def the_next_dose_does_not_depend_on_today(course):
    regimen, history, today = course
    then = forecast(regimen, history=history, today=history[-1].given_on)
    now = forecast(regimen, history=history, today=today)
    assert (now.next, now.flags, now.reasons) == (then.next, then.flags, then.reasons)


def the_projection_moves_forward(course):
    regimen, history, today = course
    found = forecast(regimen, history=history, today=today)
    assert len(found.projected) == (0 if found.state == "lapsed" else 3)
    assert sorted(set(found.projected)) == list(found.projected)
    assert all(day >= today for day in found.projected)


def the_state_never_goes_back_as_days_pass(course):
    regimen, history, today = course
    seen = [
        STATES.index(forecast(regimen, history=history, today=add_days(today, days)).state)
        for days in (0, 1, 7, 30, 400)
    ]
    assert seen == sorted(seen)


def only_lateness_makes_dates_provisional(course):
    regimen, history, today = course
    found = forecast(regimen, history=history, today=today)
    assert found.days_past_due == max(0, (today - found.next.due).days)
    assert found.provisional == (found.days_past_due > 0 and found.state != "lapsed")


def a_flag_once_raised_stays(course):
    regimen, history, _ = course
    before = replay(regimen, history[:-1])
    assert replay(regimen, history).flags[: len(before.flags)] == before.flags


LAWS = [
    no_date_comes_before_the_minimum_gap,
    the_dates_are_in_order,
    the_order_of_entry_does_not_matter,
    the_next_dose_does_not_depend_on_today,
    the_projection_moves_forward,
    the_state_never_goes_back_as_days_pass,
    only_lateness_makes_dates_provisional,
    a_flag_once_raised_stays,
]
EVERY_LAW = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)


def enforce(law, *, examples, number):
    print(f"{law.__name__}: {examples} courses, ENGINE_SEED={number}")
    limits = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    seed(number)(limits(given(course=courses())(law)))()


@EVERY_LAW
def test_made_up_courses_obey(law):
    enforce(law, examples=60, number=SEED)


@pytest.mark.long
@EVERY_LAW
def test_fifty_thousand_made_up_courses_obey(law):
    number = int(os.environ.get("ENGINE_SEED") or random.SystemRandom().randrange(10**9))
    enforce(law, examples=50_000, number=number)


@pytest.mark.parametrize("start", ["2026-08-31", "2026-08-30", "2028-02-29", "2026-12-31"])
@pytest.mark.parametrize("regimen", REGIMENS.values(), ids=lambda one: one.code)
def test_fifty_years_on_time_do_not_drift(regimen, start):
    """Every dose on its due day: the hundredth is still counted from the first."""
    first = dt.date.fromisoformat(start)
    history = [Infusion(add_days(first, one.offset_days), one.dose_mg) for one in regimen.initial]
    nominal = [due_add(first, regimen.interval * cycle) for cycle in range(1, 102)]
    history += [Infusion(day, regimen.maintenance_mg) for day in nominal]
    for given_so_far in (*range(len(regimen.initial), 8), 51, 52, 100, 101):
        today = history[given_so_far - 1].given_on
        coming = forecast(regimen, history=history[:given_so_far], today=today).next
        assert coming.due == history[given_so_far].given_on
